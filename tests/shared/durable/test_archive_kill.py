"""SIGKILL at every boundary of the archive: each flow is in the journal or in the archive, and in the archive once."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("archived_flows.py")


@pytest.mark.slow
async def test_killed_at_every_boundary_no_flow_is_lost_and_none_is_archived_twice(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, "every", str(tmp_path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    reports = [json.loads(line) for line in out.decode().splitlines()]
    everything = [f"f{number}" for number in range(6)]
    for report in reports:
        killed, after = report["killed"], report["after"]
        assert sorted(killed["held"] + killed["told"]) == everything, report
        assert set(killed["told"]) <= set(killed["lines"]), report
        assert (after["held"], after["told"], sorted(after["lines"])) == ([], everything, everything), report
    assert len(reports) > 25
    assert any(set(report["killed"]["lines"]) - set(report["killed"]["told"]) for report in reports), "no kill between"
