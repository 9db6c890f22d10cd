"""The lock file, the scripts and the container files."""

import os
import re
import subprocess
import sysconfig
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import compose_spec
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
SET_UP = ("dev", *(ROOT / ".venv/atelier-setup").read_text().split()[1:])
"""The installed extras, which setup records after its fingerprint."""
SCRIPTS = [ROOT / ".ci/run", *(path for path in (ROOT / "scripts").iterdir() if path.name != "functions.sh")]


def pins() -> dict[str, str]:
    """Return the locked version of each package."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE))


def direct_dependencies() -> list[Requirement]:
    """Return the dependencies in pyproject.toml."""
    return [Requirement(line) for group in (PROJECT["dependencies"], *EXTRAS.values()) for line in group]


@pytest.mark.parametrize("needed", direct_dependencies(), ids=str)
def test_the_lock_pins_every_direct_dependency_within_its_bounds(needed: Requirement) -> None:
    assert pins()[needed.name.lower().replace(".", "-")] in needed.specifier


def test_the_lock_names_no_registry_and_no_file() -> None:
    names_and_hashes = re.compile(r"[a-z0-9-]+==[\w.!+]+( \\)?|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in LOCK.splitlines() if not names_and_hashes.fullmatch(line)] == []


def test_every_pin_but_torch_has_hashes() -> None:
    assert re.findall(r"^([a-z0-9-]+)==\S+$", LOCK, re.MULTILINE) == ["torch"]


def test_installed_versions_are_the_locked_ones() -> None:
    folder = sysconfig.get_path("purelib")  # leaves out what setuptools vendors
    found = distributions(path=[folder])
    here = {canonicalize_name(one.name): one.version.removesuffix("+cpu") for one in found}
    pinned = pins()
    assert {name: version for name, version in here.items() if pinned.get(name, version) != version} == {}
    wanted = [Requirement(one) for group in (PROJECT["dependencies"], *map(EXTRAS.get, SET_UP)) for one in group or ()]
    assert {canonicalize_name(one.name) for one in wanted} <= here.keys()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_executable_and_valid_bash(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_a_second_setup_needs_no_network_and_prints_nothing() -> None:
    nowhere = dict.fromkeys(("UV_DEFAULT_INDEX", "HTTP_PROXY", "HTTPS_PROXY", "HF_ENDPOINT"), "http://127.0.0.1:9")
    done = subprocess.run(
        ["scripts/setup", "--dev"], cwd=ROOT, env=os.environ | nowhere, check=True, capture_output=True
    )
    assert done.stdout + done.stderr == b""


def test_setup_names_an_unknown_option() -> None:
    done = subprocess.run(["scripts/setup", "--gpu"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "--gpu" in done.stderr


def test_the_dockerfile_copies_existing_files_of_the_build_context() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    names = {name for line in copied for name in line.split()}
    assert names == sent
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_compose_is_valid_and_mounts_existing_files() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(compose)).validate()
    volumes = {volume.split(":")[0] for service in compose["services"].values() for volume in service["volumes"]}
    assert volumes - compose["volumes"].keys() == {"./config.toml"}
    assert (ROOT / "config.toml").is_file()
