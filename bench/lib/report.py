"""Report the figures of a benchmark: print them as they come, and as JSON in the last line."""

import json
import subprocess
import sys
from typing import Any

figures: dict[str, Any] = {}


def say(name: str, value: Any, note: str = "") -> None:
    """Print and record one figure."""
    figures[name] = value
    shown = f"{value:>10.4g}" if isinstance(value, float) else f"{value!s:>10}"
    print(f"{name:48} {shown} {note}", flush=True)


def finish() -> None:
    """Print all figures as JSON."""
    print(json.dumps(figures))


def add(module: str) -> None:
    """Run another benchmark in its own process, with an empty GPU. Print its output and record its figures."""
    print(f"\n{module}", flush=True)
    command = [sys.executable, "-m", f"bench.{module}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        last = ""
        for last in process.stdout:
            if not last.startswith("{"):
                print(last, end="", flush=True)
    if process.returncode:
        say(f"{module} was not measured", process.returncode, "the code that it ended with")
    else:
        figures.update(json.loads(last))
