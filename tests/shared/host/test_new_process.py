"""`triptych new process`, for real, in a copy of the repository: what it writes is served, checked and built upon."""

import ast
import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.host.api import installed_apis
from shared.host.runtime import Runtime, read_runtime
from shared.host.scaffold import ScaffoldRefused, checked_name, write_files
from shared.host.server import free_port

ROOT = Path(__file__).parents[3]
SOURCES = ("shared/src", "system_apis/src", "system_apis/sandboxes/src", "process_apis/src", "experience_apis/src")
COPIED = (*SOURCES, "tests/process_apis", "tests/system_apis", "tests/conformance", "tests/servers", "deploy")
WRITTEN = {
    "shared/src/shared/contracts/process/returns_desk.py",
    "process_apis/src/process_apis/returns_desk/__init__.py",
    "process_apis/src/process_apis/returns_desk/flow.py",
    "process_apis/src/process_apis/returns_desk/service.py",
    "tests/process_apis/returns_desk/test_returns_desk.py",
}
GENERATED = {"deploy/call_graph.md", "deploy/openapi/returns_desk.json"}
CASE = {"reference": "A1"}


@dataclass
class House:
    """A copy of the repository whose packages go before those that are installed."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join(str(self.folder / source) for source in SOURCES)
        state = str(self.folder / ".state")
        return {**os.environ, "PYTHONPATH": path, "TRIPTYCH_STATE": state, "COLUMNS": "200", "NO_COLOR": "1"}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run Python."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def triptych(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "shared.host", *arguments)

    def files(self) -> dict[str, bytes]:
        """Every file with its content, but for what running leaves."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        kept = (path for path in found if not {"__pycache__", ".state", ".ruff_cache"} & set(path.parts))
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in kept}

    @asynccontextmanager
    async def up(self, topology: str) -> AsyncIterator[Runtime]:
        """The suite by `triptych up`, until the block ends."""
        state = self.folder / ".state"
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shared.host", "up", topology, "--port", str(free_port()), "--state", str(state),
            cwd=self.folder, env=self.environment, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert child.stdout is not None
            async with asyncio.timeout(120):
                while b"Serving" not in await child.stdout.readline():
                    assert child.returncode is None
            yield read_runtime(state)
        finally:
            child.send_signal(signal.SIGTERM)
            await asyncio.wait_for(child.communicate(), 60)


def copied(folder: Path) -> House:
    """The repository as far as these tests need it, with what Python compiled: copies keep the times of files."""
    shutil.copy2(ROOT / "pyproject.toml", folder)
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name)
    return House(folder)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A copy with nothing new in it."""
    return copied(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, str, dict[str, bytes]]:
    """A copy with a fresh API, what the command said, and what was there before."""
    house = copied(tmp_path_factory.mktemp("begun"))
    before = house.files()
    said = house.triptych("new", "process", "returns-desk")
    assert said.returncode == 0, said.stderr
    return house, said.stdout, before


def findings(house: House) -> list[str]:
    """Everything that `make check` has to say."""
    fences = "from importlinter.cli import lint_imports_command as run; run()"
    sources = [name for name in sorted(WRITTEN) if not name.startswith("tests/")]
    types = house.run("-m", "basedpyright", "--pythonpath", sys.executable, *sources)
    assert types.stdout.startswith("0 errors, 0 warnings, 0 notes"), types.stdout  # its status says: no .venv here
    done = [
        house.run("-m", "ruff", "format", "--check", "."),
        house.run("-m", "ruff", "check", "."),
        house.run("-c", fences, "--no-cache"),
        house.triptych("check"),
    ]
    return [check.stdout + check.stderr for check in done if check.returncode]


def test_five_files_are_written_two_generated_and_no_other_is_touched(begun: Any) -> None:
    house, said, before = begun
    after = house.files()
    assert {name for name in after if after[name] != before.get(name)} == WRITTEN | GENERATED
    assert before.keys() < after.keys()
    assert all(name in said for name in WRITTEN | GENERATED)
    assert "Next: write its steps in process_apis/src/process_apis/returns_desk/flow.py" in said
    assert all(len(after[name].splitlines()) < 60 for name in WRITTEN)


def test_what_is_written_passes_every_check(begun: Any) -> None:
    assert findings(begun[0]) == []


def test_the_fresh_test_fails_with_the_next_step(begun: Any) -> None:
    done = begun[0].run("-m", "pytest", "tests/process_apis/returns_desk", "-q")
    assert done.returncode == 1
    assert (
        "Returns desk does nothing yet: write its steps in process_apis/src/process_apis/returns_desk/flow.py, "
        "then say here what must come out" in done.stdout
    )


@pytest.mark.slow
@pytest.mark.parametrize("topology", ["fused", "split"])
async def test_it_is_served_at_once(begun: Any, topology: str) -> None:
    house: House = begun[0]
    async with house.up(topology) as runtime, httpx.AsyncClient(timeout=60) as http:
        edge = runtime.processes["suite" if topology == "fused" else "experience"]
        url = runtime.processes["suite" if topology == "fused" else "process"]
        assert "ReturnsDesk" in (await http.get(edge, headers={"accept": "text/html"})).text
        token = house.triptych("token", "--api", "returns_desk").stdout.strip()
        headers = {"authorization": f"Bearer {token}"}
        cases = f"{url}/process/returns-desk/v1/cases"
        opened = await http.post(cases, json=CASE, headers=headers)
        assert opened.status_code in (200, 201), opened.text
        assert opened.json()["state"] == "completed"
        assert opened.json()["outcome"] == CASE
        assert opened.headers["location"] == f"/process/returns-desk/v1/cases/{opened.json()['caseId']}"
        looked = await http.get(url + opened.headers["location"], headers=headers)
        assert (looked.status_code, looked.json()["caseId"]) == (200, "A1-returns-desk")
        later = await http.post(cases, json={"reference": "A2"}, headers={**headers, "prefer": "respond-async"})
        assert (later.status_code, later.json()["caseId"]) in ((202, "A2-returns-desk"), (201, "A2-returns-desk"))
        assert (await http.post(cases, json=CASE)).status_code == 401
        document = (await http.get(f"{url}/openapi/returns_desk.json")).json()
        assert len(document["paths"]) == 2


def replace_statements(source: str, block: str) -> str:
    """`source` with every class and constant that `block` has, as `block` has it."""
    for new in ast.parse(block).body:
        name = new.name if isinstance(new, ast.ClassDef) else new.targets[0].id  # type: ignore[attr-defined]
        old = next(node for node in ast.parse(source).body if named(node) == name)
        lines = source.splitlines(keepends=True)
        text = block.splitlines(keepends=True)[new.lineno - 1 : new.end_lineno]
        source = "".join([*lines[: old.lineno - 1], *text, *lines[old.end_lineno :]])
    return source


def named(node: ast.stmt) -> str:
    targets: Sequence[Any] = getattr(node, "targets", [getattr(node, "target", None)])
    return getattr(node, "name", "") or getattr(targets[0], "id", "")


@pytest.mark.slow
@pytest.mark.timeout(800)
def test_the_walk_through_followed_to_the_letter_ends_green(tmp_path: Path) -> None:
    house = copied(tmp_path)
    before = house.files()
    assert house.triptych("new", "process", "returns-desk").returncode == 0
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    steps = re.findall(r"in `([^`\n]+/[^`\n]+\.py)`[^`]*\n\n   ```python\n(.*?)   ```", guide, re.DOTALL)
    assert {path for path, _ in steps} < WRITTEN
    assert len(steps) == 3
    for path, indented in steps:
        block, file = textwrap.dedent(indented), house.folder / path
        file.write_text(block if block.startswith('"""') else replace_statements(file.read_text(), block))
    assert house.triptych("check", "--write").returncode == 0
    after = house.files()
    assert {name for name in after if after[name] != before.get(name)} == WRITTEN | GENERATED
    assert findings(house) == []
    assert "ReturnsDesk --> Erp" in after["deploy/call_graph.md"].decode()
    done = house.run("-m", "pytest", "tests/process_apis/returns_desk", "-q")
    assert done.returncode == 0, done.stdout
    done = house.run(
        "-m",
        "pytest",
        "tests/conformance/test_every_operation_in_every_placement.py",
        "-q",
        "-k",
        "returns_desk or every_operation_succeeds",
    )
    assert done.returncode == 0, done.stdout


def test_a_rehearsal_says_what_would_be_written_and_writes_nothing(house: House) -> None:
    before = house.files()
    said = house.triptych("new", "process", "returns-desk", "--dry-run")
    assert said.returncode == 0
    assert all(name in said.stdout for name in WRITTEN)
    assert house.files() == before


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ReturnsDesk", "such as returns-desk"),
        ("returns_desk", "such as returns-desk"),
        ("returns--desk", "such as returns-desk"),
        ("-returns", "such as returns-desk"),
        ("returns-2", "beginning with a letter"),
        ("x-ray", "two or more"),
        ("retouren-büro", "such as returns-desk"),
        ("../../etc", "such as returns-desk"),
        ("returns-desk\n", "such as returns-desk"),
        ("", "such as returns-desk"),
        ("import", "word of Python's"),
        ("contract", "every API uses already"),
        ("quote-to-order", "There is an API quote_to_order already"),
        ("crm", "There is an API crm already"),
        ("a" * 28, "at most 27"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_what_could(name: str, hint: str) -> None:
    with pytest.raises(ScaffoldRefused, match=re.escape(hint)):
        checked_name(name, installed_apis())


def test_a_name_is_spelt_as_each_place_wants_it() -> None:
    name = checked_name("returns-desk", installed_apis())
    assert (name.kebab, name.snake, name.type, name.title) == (
        "returns-desk", "returns_desk", "ReturnsDesk", "Returns desk",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hint"), [("Returns", "such as returns-desk"), ("progress", "progress.py is there already and is left")]
)
def test_a_refusal_is_one_line_and_nothing_is_written(house: House, name: str, hint: str) -> None:
    before = house.files()
    said = house.triptych("new", "process", name)
    assert (said.returncode, said.stdout) == (2, "")
    assert hint in said.stderr
    assert said.stderr.count("\n") == 1
    assert house.files() == before


def test_when_one_file_cannot_be_written_none_is(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("by another")
    with pytest.raises(ScaffoldRefused, match=r"taken.*nothing was"):
        write_files({tmp_path / "new" / "first.py": "1", tmp_path / "taken": "2"})
    assert not (tmp_path / "new" / "first.py").exists()
    assert (tmp_path / "taken").read_text() == "by another"


def test_the_longest_names_still_fit_every_line(tmp_path: Path) -> None:
    longest = "warranty-returns-desk-north"
    assert len(longest) == 27
    other = copied(tmp_path)
    for name in (longest, "a" * 27):
        assert other.triptych("new", "process", name).returncode == 0
    assert other.run("-m", "ruff", "format", "--check", ".").returncode == 0
    assert other.run("-m", "ruff", "check", ".").returncode == 0
    assert other.triptych("check").returncode == 0


def test_what_is_there_is_never_overwritten(begun: Any) -> None:
    house: House = begun[0]
    before = house.files()
    said = house.triptych("new", "process", "returns-desk")
    assert said.returncode == 2
    assert "There is an API returns_desk already" in said.stderr
    assert house.files() == before


def test_outside_of_a_project_the_way_into_one_is_named(house: House, tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "shared.host", "new", "process", "returns-desk"],
        cwd=tmp_path, env=house.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 2
    assert "There is no project here" in said.stderr
