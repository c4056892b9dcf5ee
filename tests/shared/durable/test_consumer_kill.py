"""SIGKILL while events are taken: none is missed, each starts one flow, and the position always says which."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("killed_consumers.py")


async def killed(*arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out)


@pytest.mark.slow
@pytest.mark.parametrize("side_by_side", [1, 2], ids=["alone", "two-competing"])
async def test_killed_500_times_while_it_takes_events_a_consumer_misses_none_and_starts_one_flow_for_each(
    tmp_path: Path, side_by_side: int
) -> None:
    report = await killed(str(tmp_path), "500", str(side_by_side), "7")
    assert report["killed"] >= 500
    assert report["disagreements"] == 0, "flows and position moved apart"
    assert report["alive"]
    assert report["handled"] == report["once"] == report["events"] == 1000
