"""A hundred thousand simulated worlds, each decided by its seed; `SIMULATED_SEEDS` asks for more, or fewer."""

import asyncio
import os
import sys

import pytest

from shared.durable.simulation.campaign import play_portion

SEEDS = int(os.environ.get("SIMULATED_SEEDS", "100000"))
PARTS = 20


class Part:
    """A twentieth of the worlds. A class for each, because that is what `--dist loadscope` spreads over cores."""

    number: int

    @pytest.mark.slow
    @pytest.mark.timeout(120 + SEEDS // PARTS // 20)
    def test_no_simulated_world_breaks_a_promise(self) -> None:
        portion = play_portion(range(SEEDS)[self.number :: PARTS])
        for seed, story in portion.failures.items():
            pytest.fail(f"{story}\n\nReplay it with: triptych simulate --seed {seed}", pytrace=False)
        assert portion.seeds == len(range(SEEDS)[self.number :: PARTS])


for number in range(PARTS):
    globals()[f"TestPart{number}"] = type(f"TestPart{number}", (Part,), {"number": number})


async def simulate(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.host", "simulate", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_plays_on_all_cores_and_says_how_bad_the_worlds_were() -> None:
    status, out, err = await simulate("--seeds", "500")
    assert status == 0, err
    assert out.startswith("500 seeds in ")
    assert "Faults: " in out


async def test_a_failure_is_printed_with_the_command_that_replays_it() -> None:
    status, out, err = await simulate("--seeds", "200", "--planted-bug", "fence", "--jobs", "1")
    assert status == 1
    assert "seeds in " in out
    seed = err.split("Replay it with: triptych simulate --seed ")[1].split()[0]
    status, story, broken = await simulate("--seed", seed, "--planted-bug", "fence")
    assert status == 1
    assert broken.startswith(f"seed {seed}: ")
    assert len(story.splitlines()) > 5


async def test_a_seed_that_breaks_nothing_tells_its_story_and_its_digest() -> None:
    status, story, _ = await simulate("--seed", "1")
    assert status == 0
    assert story.splitlines()[-1].startswith("seed 1: every promise was kept; digest ")
    assert "is completed" in story
