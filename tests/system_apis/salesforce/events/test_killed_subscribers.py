"""SIGKILL while changes are taken: none is missed, each starts one flow.

`CDC_EVENTS=100000` takes that many; the report goes to standard output (`pytest -s`).
"""

import asyncio
import json
import os
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("killed_subscribers.py")
EVENTS = int(os.environ.get("CDC_EVENTS", "2000"))
AT_ONCE = 200
MOST_KILLS = max(5, EVENTS // 2_000)


async def change_accounts(org: Any, events: int) -> None:
    """Change so many accounts, each to a telephone number that none ever had."""
    rows = (await org.rest("GET", "/query?q=SELECT+Id+FROM+Account+LIMIT+200"))["records"]
    for first in range(0, events, AT_ONCE):
        records = [
            {"attributes": {"type": "Account"}, "id": row["Id"], "Phone": str(first + at)}
            for at, row in enumerate(rows[: min(AT_ONCE, events - first)])
        ]
        await org.rest("PATCH", "/composite/sobjects", json={"records": records})


async def killed(folder: Path, batch: int, kills: int, settings: dict[str, Any]) -> int:
    """Take all changes with children that are killed; returns how many were."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, folder, str(EVENTS), str(batch), str(kills), "5",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(json.dumps(settings).encode() + b"\n")
    assert process.returncode == 0, err.decode()
    return json.loads(out)["kills"]


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_killed_again_and_again_a_subscriber_misses_no_change_and_applies_none_twice(
    org: Any, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = {"url": settings.url, "username": settings.username, "private_key": str(settings.private_key)}
    plain |= {"pubsub_url": settings.pubsub_url, "pubsub_ca": settings.pubsub_ca}
    started = time.monotonic()
    changing = asyncio.create_task(change_accounts(org, EVENTS))
    kills = await killed(tmp_path, 100 if EVENTS > 10_000 else 20, MOST_KILLS, plain)
    await changing
    took = time.monotonic() - started
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        flows = Counter(flow_id for (flow_id,) in connection.execute("SELECT flow_id FROM flow"))
        dead = connection.execute("SELECT count(*) FROM flow WHERE state = 'dead'").fetchone()[0]
    connection.close()
    again = len((tmp_path / "again").read_text().splitlines()) if (tmp_path / "again").exists() else 0
    missed = [number for number in range(EVENTS) if f"apply-{number}" not in flows]
    with capsys.disabled():
        print(
            f"\n{EVENTS} changes, {kills} kills, {EVENTS / took:.0f} a second with all restarts ({took:.0f} s), "
            f"missed {len(missed)}, came again after their commit {again}, "
            f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
    assert (missed, again, dead, sum(flows.values())) == ([], 0, 0, EVENTS)
    assert kills, "nobody was killed, so nothing was shown"
