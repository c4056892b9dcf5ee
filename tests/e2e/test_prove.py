"""`triptych prove quote-to-order`: workers killed at every boundary; `PROVE_KILLS` asks for more of them."""

import asyncio
import os
import sys

import pytest

KILLS = int(os.environ.get("PROVE_KILLS", "60"))


async def prove(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.host", "prove", "quote-to-order", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


@pytest.mark.slow
@pytest.mark.timeout(120 + KILLS)
async def test_killed_at_every_boundary_no_order_is_lost_doubled_or_half_done() -> None:
    status, out = await prove("--kills", str(KILLS))
    assert status == 0, out
    books = [line.split() for line in out.splitlines() if line.startswith("  ") and line.split()[-1] == "0"]
    assert {name for name, *_ in books} >= {"easypost", "salesforce", "sap", "warehouse"}
    for name, effects, *wrong in books[:4]:
        assert int(effects) > 0, name
        assert wrong == ["0", "0", "0"], name


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("bug", ["attempt", "fence"])
async def test_a_planted_bug_fails_the_proof(bug: str) -> None:
    status, out = await prove("--kills", "45", "--planted-bug", bug)
    assert status == 1, out
