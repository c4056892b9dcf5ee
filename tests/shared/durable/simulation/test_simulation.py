"""Thousands of simulated worlds, each decided by its seed; `SIMULATED_SEEDS` asks for more."""

import asyncio
import os
import sys

import pytest

from shared.durable.simulation import Broken, play
from shared.durable.simulation.campaign import play_portion
from shared.durable.simulation.planted_bugs import Bug, planted

SEEDS = int(os.environ.get("SIMULATED_SEEDS", "1000"))


async def simulate(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.host", "simulate", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.slow
@pytest.mark.timeout(60 + SEEDS // 20)
async def test_no_simulated_world_breaks_a_promise() -> None:
    status, out, err = await simulate("--seeds", str(SEEDS), "--jobs", "2" if SEEDS > 5000 else "1")
    assert status == 0, err
    assert out.startswith(f"{SEEDS} seeds in ")


def test_a_world_plays_the_same_each_time() -> None:
    assert [play(seed) for seed in range(40, 60)] == [play(seed) for seed in range(40, 60)]


def test_worlds_hold_every_kind_of_trouble_and_of_end() -> None:
    totals = play_portion(range(200)).totals
    for kind in ("completed", "refused", "cancelled", "dead", "crashes", "stalls", "retries", "refused_saves"):
        assert totals[kind] > 0, kind


@pytest.mark.parametrize(
    ("bug", "broken"),
    [
        ("fence", "which it had lost"),
        ("attempt", "(did not end|one flow ended)"),
        ("doubt", "is cancelled, but"),
        ("retry", "(put off by|attempts were recorded before)"),
    ],
)
def test_a_planted_bug_is_found_with_seed_and_trace(bug: Bug, broken: str) -> None:
    with planted(bug), pytest.raises(Broken, match=broken) as found:
        list(map(play, range(1000)))
    first, *trace = str(found.value).splitlines()
    assert first.startswith("seed ")
    assert len(trace) > 3
    with planted(bug), pytest.raises(Broken) as again:
        play(int(first.split()[1].rstrip(":")))
    assert str(again.value) == str(found.value)


async def test_a_failure_is_printed_with_the_command_that_replays_it() -> None:
    status, out, err = await simulate("--seeds", "500", "--planted-bug", "fence")
    assert status == 1
    assert "Replay it with: triptych simulate --seed " in err
    assert "seeds in " in out
