"""SIGKILL at every boundary: nothing is lost, nothing happens twice, nothing is called without need.

With `test_consumer_kill.py` and `tests/e2e/test_prove.py`, which kills the workers of the whole suite, 10,000 SIGKILLs
in each run: 8,100 here, 1,000 consumers of events, 600 on SQLite and 300 on PostgreSQL there. `PROVE_KILLS` raises each
of these.
"""

import asyncio
import inspect
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresServer

SCRIPT = Path(__file__).with_name("killed_flows.py")
CAMPAIGN = Path(__file__).with_name("kill_campaign.py")
SERVERS = Path(inspect.getfile(PostgresServer)).parent
SEEDS = (1, 2, 3, 4)
ROOM = 256 * 1024 * 1024
KILLS = max(8_100, int(os.environ.get("PROVE_KILLS", "0")))


async def run(script: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, *arguments, env={**os.environ, "PYTHONPATH": str(SERVERS)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def killed(*arguments: str) -> list[dict[str, Any]]:
    out = await run(SCRIPT, *arguments)
    return [json.loads(line) for line in out.splitlines() if line.startswith('{"states"')]


async def campaign(folder: Path, kills: int, *arguments: str) -> dict[str, Any]:
    return json.loads(await run(CAMPAIGN, str(folder), str(kills), *arguments))


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is room: what a killed process has written stays, and no disk has to be waited for."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < ROOM:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer.create("fsync=off")
    server.start()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> list[str]:
    """Arguments that name the journal."""
    if request.param == "sqlite":
        return []
    return ["--url", request.getfixturevalue("server").new_database()]


class Thousands:
    """A part of the kills. A class for each, because that is what `--dist loadscope` spreads over cores."""

    seed: int

    @pytest.mark.slow
    @pytest.mark.timeout(600 + KILLS // 10)
    async def test_killed_thousands_of_times_every_call_was_one_that_had_to_be_made(self, tmp_path: Path) -> None:
        found = await campaign(tmp_path, KILLS // len(SEEDS), str(self.seed))
        assert found["wrong"] == []
        assert found["kills"] >= KILLS // len(SEEDS)
        assert found["frozen"] > found["kills"] // 100
        assert found["predicted"] == found["made"] > found["flows"]
        assert (found["stale"], found["poisoned"]) == (0, 5)


for seed in SEEDS:
    globals()[f"TestSeed{seed}"] = type(f"TestSeed{seed}", (Thousands,), {"seed": seed})


@pytest.mark.slow
async def test_killed_anywhere_every_call_was_one_that_had_to_be_made_in_either_journal(
    tmp_path: Path, place: list[str]
) -> None:
    found = await campaign(tmp_path, 40, "3", *place)
    assert (found["wrong"], found["stale"], found["poisoned"]) == ([], 0, 5)
    assert found["predicted"] == found["made"] > 0


@pytest.mark.slow
async def test_a_missing_check_of_the_fence_is_found(tmp_path: Path, place: list[str]) -> None:
    stops = ("--freeze-every", "3", "--until-stale")  # whether one is stopped just before it saves is chance
    assert (await campaign(tmp_path, 1_500, "1", "--bug", "fence", *stops, *place))["stale"] > 0


@pytest.mark.slow
async def test_an_attempt_that_is_counted_late_is_found(tmp_path: Path, place: list[str]) -> None:
    assert (await campaign(tmp_path, 10, "1", "--bug", "attempt", *place))["poisoned"] > 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "sentence"),
    [
        ("twice", "although its first call was under way in the same worker."),
        ("unsaved", "it was committed, and is not there any more."),
    ],
)
async def test_a_call_without_need_and_a_lost_outcome_are_found(
    tmp_path: Path, place: list[str], bug: str, sentence: str
) -> None:
    found = await campaign(tmp_path, 40, "1", "--bug", bug, *place)
    assert any(sentence in each for each in found["wrong"]), found


@pytest.mark.slow
async def test_killed_at_every_boundary_a_flow_still_ends_with_each_effect_once(tmp_path: Path) -> None:
    effects = {
        "good": ["good/2 enter", "good/4 enter", "good/6 enter"],
        "bad": ["bad/2 enter", "bad/2/undo strike", "bad/4 enter", "bad/4/undo strike"],
    }
    reports = await killed("every", str(tmp_path))
    for report in reports:
        ((name, state),) = report["states"].items()
        assert state == ("completed" if name == "good" else "refused"), report
        assert report["ledger"] == effects[name], report
    assert len(reports) > 40


@pytest.mark.slow
async def test_killed_at_every_boundary_flows_that_wait_for_others_still_end_with_each_effect_once(
    tmp_path: Path,
) -> None:
    good, bad = "family-good", "family-bad"
    traded = [f"{good}:trade/{seq} enter" for seq in (2, 4, 6)]
    undone = [f"{bad}:trade/{seq}{what}" for seq in (2, 4) for what in (" enter", "/undo strike")]
    effects = {
        good: sorted([f"{good}/1 enter", f"{good}/5 enter", *traded]),
        bad: sorted([f"{bad}/1 enter", f"{bad}/1/undo strike", *undone]),
    }
    reports = await killed("family", str(tmp_path))
    for report in reports:
        ((name, state),) = report["states"].items()
        assert state == ("completed" if name == good else "refused"), report
        assert report["ledger"] == effects[name], report
    assert len(reports) > 60


@pytest.mark.slow
async def test_killed_anywhere_again_and_again_every_flow_ends_with_each_effect_once(tmp_path: Path) -> None:
    (report,) = await killed("random", str(tmp_path), "7")
    assert report["kills"] > 10
    effects: dict[str, list[str]] = {key: [] for key in report["states"]}
    for line in report["ledger"]:
        key, _, effect = line.partition("/")
        effects[key].append(effect)
    for number in range(40):
        key, refused = f"f{number}", number % 4 == 0
        assert report["states"][key] == ("refused" if refused else "completed")
        undone = ["2 enter", "2/undo strike", "4 enter", "4/undo strike"]
        assert effects[key] == (undone if refused else ["2 enter", "4 enter", "6 enter"]), key
