"""A load that is killed (SIGKILL) goes on from its checkpoint, and nothing is written twice.

Two deaths by default; KILLED_LOADS=all dies at every point.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from system_apis.salesforce.bulk.checkpoint import LoadCheckpoint
from system_apis.salesforce.bulk.loading import LoadSpec
from system_apis.salesforce.bulk.outcomes import Outcome
from system_apis.salesforce.connector import SalesforceSettings

SCRIPT = Path(__file__).parent / "killed_load.py"
INSERT = LoadSpec(sobject="Account", operation="insert")
DEATHS = [("released", 2), ("told", 2)]
ALL = [(point, at) for point in ("uploaded", "kept", "released", "told") for at in (1, 2, 3, 4)]
Rows = Callable[[str], Awaitable[list[dict[str, Any]]]]


@pytest.mark.parametrize(("point", "at"), ALL if os.environ.get("KILLED_LOADS") == "all" else DEATHS)
async def test_a_killed_insert_goes_on_and_inserts_nothing_twice(
    point: str, at: int, settings: SalesforceSettings, tmp_path: Path, rows: Rows, org: Any, tuned: Any
) -> None:
    name = f"Killed {point} {at}"
    await org.control("lock-rows", object="Account", times=3)
    arguments = {
        "url": settings.url, "username": settings.username, "private_key": str(settings.private_key),
        "checkpoint": str(tmp_path / "checkpoint"), "told": str(tmp_path / "told"), "spec": INSERT,
        "records": [{"Name": f"{name} {number}"} for number in range(100)], "point": point, "at": at,
    }  # fmt: skip

    command, sent = [sys.executable, str(SCRIPT)], msgspec.json.encode(arguments)
    ended = await asyncio.to_thread(subprocess.run, command, input=sent, check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    checkpoint, load = tmp_path / "checkpoint", tuned(records_per_job=25)
    kept = msgspec.json.decode(checkpoint.read_bytes(), type=LoadCheckpoint) if checkpoint.exists() else None
    await load.run(arguments["records"], INSERT, checkpoint=kept)
    found = await rows(f"SELECT Id, Name FROM Account WHERE Name LIKE '{name} %'")
    assert len(found) == len({each["Name"] for each in found}) == 100
    before = [msgspec.json.decode(line, type=Outcome) for line in (tmp_path / "told").read_bytes().splitlines()]
    told = {outcome.position: outcome for outcome in (*before, *load.outcomes)}
    assert sorted(told) == list(range(100))
    assert {told[position].became for position in told} == {"successful"}
    ids = {each["Name"]: each["Id"] for each in found}
    assert all(told[position].record_id == ids[f"{name} {position}"] for position in told)
