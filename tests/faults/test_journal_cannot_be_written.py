"""No order is acknowledged that is not in the journal; what was acknowledged is finished when the disk is well."""

import asyncio
import resource
import sqlite3
from pathlib import Path

ENDLESS = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


async def test_a_full_disk_refuses_orders_and_recovers_by_itself(calm_suite) -> None:
    """The process may not write beyond the first byte of any file, which SQLite sees as a disk that fails."""
    before = await calm_suite.books()
    resource.prlimit(calm_suite.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    try:
        refused, answer = await calm_suite.order()
        read = await calm_suite.ask("GET", "/system/crm/v1/customers?limit=1")
    finally:
        resource.prlimit(calm_suite.pid, resource.RLIMIT_FSIZE, ENDLESS)
    assert read.status_code == 200
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.status_code in (503, 507), answer.text
    assert answer.headers["retry-after"]
    assert await calm_suite.settled(refused) == ""
    assert await calm_suite.books() == before
    _, again = await calm_suite.order()
    assert again.status_code == 201, again.text
    assert await calm_suite.books() == {name: found + 1 for name, found in before.items()}
    assert _sound(Path(calm_suite.runtime.state) / "journal.db")


async def test_a_disk_that_fills_up_while_an_order_runs_loses_and_doubles_nothing(calm_suite) -> None:
    before = await calm_suite.books()
    await calm_suite.fault("sap", fault="latency", seconds=0.4, method="POST")
    quote, running = await calm_suite.order(prefer="respond-async")
    assert running.status_code == 202, running.text
    resource.prlimit(calm_suite.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    await asyncio.sleep(1.0)
    resource.prlimit(calm_suite.pid, resource.RLIMIT_FSIZE, ENDLESS)
    assert await calm_suite.settled(quote) == "completed"
    assert await calm_suite.books() == {name: found + 1 for name, found in before.items()}


async def test_a_journal_locked_by_another_program_delays_orders_and_loses_none(calm_suite) -> None:
    before = await calm_suite.books()
    other = sqlite3.connect(Path(calm_suite.runtime.state) / "journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ordered = asyncio.create_task(calm_suite.order())
    await asyncio.sleep(1.0)
    other.execute("ROLLBACK")
    other.close()
    _, answer = await ordered
    assert answer.status_code == 201, answer.text
    assert await calm_suite.books() == {name: found + 1 for name, found in before.items()}


def _sound(journal: Path) -> bool:
    with sqlite3.connect(journal) as database:
        return database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
