"""The warehouse's database on a bad day."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import BackendFault, BackendUnavailable, CircuitOpen, DeadlineExceeded, Problem
from shared.contracts.canonical.inventory import AvailabilityRequest, NewReservation, WantedLine
from shared.security.secrets import Secret
from shared.sql.database_faults import is_repeatable, problem_of_fault
from system_apis.warehouse import SqlWarehouse
from system_apis.warehouse.connector import WarehouseDatabase, WarehouseSettings

Opened = Callable[..., SqlWarehouse]
ASKED = AvailabilityRequest([WantedLine("TG-00001", Decimal(1))])


@pytest.fixture
def locked(sqlite_door: Any) -> Any:
    """Another program that writes, and does not end."""
    connection = sqlite3.connect(sqlite_door.path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def reservation(reference: str) -> NewReservation:
    return NewReservation(reference, ASKED.lines)


async def test_a_missing_file_is_unavailable_and_is_not_made(opened: Opened, tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable) as caught:
        await opened(f"sqlite:///{tmp_path / 'none.sqlite3'}").check_availability(ASKED)
    assert not [*await asyncio.to_thread(tmp_path.iterdir)]
    assert "none.sqlite3" not in caught.value.detail


async def test_a_file_that_appears_later_is_used(opened: Opened, tmp_path: Path, sqlite_door: Any) -> None:
    warehouse = opened(f"sqlite:///{tmp_path / 'later.sqlite3'}")
    with pytest.raises(BackendUnavailable):
        await warehouse.check_availability(ASKED)
    (tmp_path / "later.sqlite3").write_bytes(sqlite_door.path.read_bytes())
    assert (await warehouse.check_availability(ASKED)).enough


async def test_a_file_of_something_else_is_the_backends_fault(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database, but a page of notes about one " * 100)
    with pytest.raises(BackendFault):
        await opened(f"sqlite:///{tmp_path / 'notes.txt'}").check_availability(ASKED)


async def test_a_database_that_another_writes_to_is_unavailable_for_writes_and_readable(
    opened: Opened, sqlite_door: Any, locked: sqlite3.Connection
) -> None:
    warehouse = opened(sqlite_door.url, busy_seconds=0.05)
    with pytest.raises(BackendUnavailable) as caught:
        await warehouse.reserve(reservation("q-1"))
    assert caught.value.retry_after
    assert (await warehouse.check_availability(ASKED)).enough
    locked.execute("ROLLBACK")
    assert (await warehouse.reserve(reservation("q-1"))).state == "held"


async def test_a_busy_database_is_waited_for(opened: Opened, sqlite_door: Any, locked: sqlite3.Connection) -> None:
    warehouse = opened(sqlite_door.url)
    waiting = asyncio.create_task(warehouse.reserve(reservation("q-1")))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    locked.execute("ROLLBACK")
    assert (await waiting).state == "held"


async def test_a_write_that_is_late_ends_with_the_callers_deadline_and_may_be_repeated(
    opened: Opened, sqlite_door: Any, locked: sqlite3.Connection
) -> None:
    warehouse = opened(sqlite_door.url)
    with calling(CallContext(deadline=time.monotonic() + 0.5)), pytest.raises(DeadlineExceeded) as caught:
        await warehouse.reserve(reservation("q-1"))
    assert caught.value.extensions == {"outcome": "unknown"}
    locked.execute("ROLLBACK")
    held = await warehouse.reserve(reservation("q-1"))
    assert await sqlite_door.run("SELECT id FROM reservation") == [(held.reservation_id,)]


async def test_work_whose_caller_has_left_is_not_begun(
    opened: Opened, sqlite_door: Any, locked: sqlite3.Connection
) -> None:
    warehouse = opened(sqlite_door.url)
    first = asyncio.create_task(warehouse.reserve(reservation("q-1")))
    second = asyncio.create_task(warehouse.reserve(reservation("q-2")))
    await asyncio.sleep(0.05)
    second.cancel()
    locked.execute("ROLLBACK")
    await first
    await asyncio.sleep(0.05)
    assert await sqlite_door.run("SELECT reference FROM reservation") == [("q-1",)]


async def test_a_row_that_cannot_be_is_the_backends_fault(opened: Opened, sqlite_door: Any) -> None:
    warehouse = opened(sqlite_door.url)
    held = await warehouse.reserve(reservation("q-1"))
    await sqlite_door.run("UPDATE reservation SET created_at = '1 May', expires_at = '9 May'")
    with pytest.raises(BackendFault, match="row") as caught:
        await warehouse.get_reservation(held.reservation_id)
    assert "May" not in caught.value.detail


async def test_what_was_held_survives_the_process(opened: Opened, sqlite_door: Any) -> None:
    held = await opened(sqlite_door.url).reserve(reservation("q-1"))
    assert await opened(sqlite_door.url).get_reservation(held.reservation_id) == held


async def test_a_database_that_stays_away_is_left_alone(opened: Opened, tmp_path: Path) -> None:
    warehouse = opened(f"sqlite:///{tmp_path / 'none.sqlite3'}")
    for _ in range(10):
        with pytest.raises(BackendUnavailable):
            await warehouse.get_shipment("q-1")
    with pytest.raises(CircuitOpen):
        await warehouse.get_shipment("q-1")


async def test_a_postgresql_that_is_not_there_is_unavailable(opened: Opened, tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable):
        await opened(f"postgresql://keeper@/wms?host={tmp_path}").check_availability(ASKED)


@pytest.mark.parametrize("door", ["postgresql"], indirect=True)
async def test_a_password_that_postgresql_refuses_is_our_fault(opened: Opened, door: Any, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong-one")
    with pytest.raises(BackendFault, match="credentials") as caught:
        await opened(door.url, Secret(f"file:{tmp_path / 'password'}")).check_availability(ASKED)
    assert "wrong-one" not in caught.value.detail


@pytest.mark.parametrize("door", ["postgresql"], indirect=True)
async def test_connections_that_postgresql_closes_are_opened_again(warehouse: SqlWarehouse, door: Any) -> None:
    await warehouse.check_availability(ASKED)
    await door.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")  # fmt: skip # noqa: E501
    for _ in range(2):
        try:
            assert (await warehouse.check_availability(ASKED)).enough
        except BackendUnavailable:
            continue
        return
    pytest.fail("the warehouse did not come back")


@pytest.mark.parametrize(
    "url",
    ["sqlite:///relative.db", "sqlite://", "mysql://host/wms", "postgresql://keeper:hunter2@host/wms", "/tmp/wms.db"],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:////absolute/path") as caught:
        WarehouseDatabase(WarehouseSettings(url=url))
    assert "hunter2" not in str(caught.value)


def sqlstate(code: str) -> Exception:
    fault = Exception("text of the database")
    fault.sqlstate = code  # type: ignore[attr-defined]
    return fault


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (sqlstate("40P01"), BackendUnavailable),
        (sqlstate("57P03"), BackendUnavailable),
        (sqlstate("53300"), BackendUnavailable),
        (sqlstate("28P01"), BackendFault),
        (sqlstate("23514"), BackendFault),
        (sqlstate("42P01"), BackendFault),
        (ConnectionResetError(), BackendUnavailable),
        (TimeoutError(), BackendUnavailable),
        (sqlite3.IntegrityError("text of the database"), BackendFault),
    ],
)
def test_what_a_databases_fault_means(fault: Exception, kind: type[Problem]) -> None:
    problem = problem_of_fault(fault, "warehouse")
    assert type(problem) is kind
    assert "text of the database" not in problem.detail


def test_a_defect_of_ours_is_not_blamed_on_the_database() -> None:
    assert problem_of_fault(KeyError("sku"), "warehouse") is None


def test_only_what_the_database_undid_itself_is_run_again() -> None:
    assert is_repeatable(sqlstate("40001"))
    assert is_repeatable(sqlstate("40P01"))
    assert not is_repeatable(sqlstate("08006"))
    assert not is_repeatable(sqlite3.OperationalError("locked"))
