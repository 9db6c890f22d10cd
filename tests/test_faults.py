"""A short fault run. `python -m tests.faults` does a long one."""

import logging
from pathlib import Path

import pytest

from tests.faults.run import fault_run


async def test_no_job_is_lost_or_delivered_twice_whatever_is_killed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "aiohttp.server")  # connections that a kill has closed
    report = await fault_run(tmp_path, jobs=12, seed=3)
    assert not report.errors, str(report)
    assert report.jobs + report.refused >= 12
    assert report.starts >= 5
