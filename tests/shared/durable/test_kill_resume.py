"""SIGKILL while dead letters are resumed: each comes to its end, and nothing that had happened happens again."""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("resumed_flows.py")
FLOWS = 1000


@pytest.mark.slow
async def test_resuming_many_may_be_killed_again_and_again(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, str(tmp_path), str(FLOWS), "11",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    report = json.loads(out.decode().splitlines()[-1])
    assert report["kills"] > 3
    assert report["after"].pop("entries") == FLOWS  # each was resumed once, whatever the number of kills
    assert report["before"] == {"dead": FLOWS, "unfinished": FLOWS, "resumed": 0, "entries": 0}
    assert report["after"] == {"dead": 0, "unfinished": 0, "resumed": FLOWS}
    calls = Counter(report["ledger"])
    assert {f"f{n}/{step}" for n in range(FLOWS) for step in (1, 2)} == set(calls)
    assert {calls[f"f{n}/1"] for n in range(FLOWS)} == {1}
