"""Each fence holds, and a planted violation of it is found: a check that cannot fail would prove nothing."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
    "shared": "shared/src",
    "system_apis": "system_apis/src",
    "sandboxes": "system_apis/sandboxes/src",
    "process_apis": "process_apis/src",
    "experience_apis": "experience_apis/src",
}
VIOLATIONS = {
    "a tier imports another": ("experience_apis/field_sales/planted.py", "import process_apis.quote_to_order.flow\n"),
    "shared imports a tier": ("shared/host/planted.py", "import system_apis.sap\n"),
    "a stand-in imports our code": ("sandboxes/planted.py", "import shared.binding.problems\n"),
    "a System API imports its stand-in": ("system_apis/sap/planted.py", "import sandboxes.company\n"),
    "a backend imports another": ("system_apis/sap/planted.py", "import system_apis.salesforce\n"),
    "a process API speaks HTTP": ("process_apis/quote_to_order/planted.py", "import httpx\n"),
    "an experience API opens a database": ("experience_apis/field_sales/planted.py", "import sqlite3\n"),
    "an experience API reaches for the wire": (
        "experience_apis/field_sales/planted.py", "import shared.resilience.wire\n",
    ),
    "a contract knows the engine": ("shared/contracts/planted.py", "import shared.durable.runner\n"),
}  # fmt: skip


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    path = ":".join(str(directory / source) for source in SOURCES.values())
    return subprocess.run(command, cwd=directory, env={"PYTHONPATH": path}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy_of_the_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", directory)
    for source in SOURCES.values():
        shutil.copytree(ROOT / source, directory / source, ignore=shutil.ignore_patterns("__pycache__"))
    return directory


def test_every_fence_holds_in_the_house_as_it_stands(copy_of_the_house: Path) -> None:
    outcome = lint_imports(copy_of_the_house)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_planted_violation_breaks_the_check(copy_of_the_house: Path, violation: str) -> None:
    name, content = VIOLATIONS[violation]
    planted = copy_of_the_house / SOURCES[name.partition("/")[0]] / name
    planted.write_text(content)
    try:
        outcome = lint_imports(copy_of_the_house)
    finally:
        planted.unlink()
    assert outcome.returncode != 0
    assert "BROKEN" in outcome.stdout
    assert "planted" in outcome.stdout


@pytest.mark.parametrize("tier", ["system_apis", "process_apis", "experience_apis"])
def test_a_tier_is_installed_with_shared_and_no_other_package_of_ours(tier: str) -> None:
    manifest = tomllib.loads((ROOT / tier / "pyproject.toml").read_text())
    ours = [name for name in manifest["project"]["dependencies"] if name.startswith("triptych-")]
    assert ours == ["triptych-shared"]


def test_the_stand_ins_are_installed_without_any_package_of_ours() -> None:
    manifest = tomllib.loads((ROOT / "system_apis/sandboxes/pyproject.toml").read_text())
    assert not [name for name in manifest["project"]["dependencies"] if name.startswith("triptych-")]
