import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from sandboxes.company import company
from sandboxes.warehouse import POSTGRESQL, create_database, seed_rows

NOW = "2026-03-01T12:00:00Z"
LATER = "2026-03-01T12:15:00Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_database(tmp_path / "wms.sqlite3")
    return tmp_path / "wms.sqlite3"


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=20)
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def reserve(path: Path, reference: str, sku: str, quantity: int) -> bool:
    with closing(connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO reservation VALUES (?, ?, 'active', ?, ?, ?)", (reference, reference, NOW, LATER, NOW)
        )
        taken = connection.execute(
            "UPDATE inventory_level SET allocated = allocated + ?1, version = version + 1"
            " WHERE warehouse = 'HAM1' AND sku = ?2 AND on_hand - safety_stock - allocated >= ?1",
            (quantity, sku),
        ).rowcount
        if taken:
            connection.execute("INSERT INTO reservation_line VALUES (?, 'HAM1', ?, ?)", (reference, sku, quantity))
        connection.execute("COMMIT" if taken else "ROLLBACK")
        return bool(taken)


def test_every_product_has_a_level_in_every_warehouse(path: Path) -> None:
    seed = company()
    with closing(connect(path)) as connection:
        rows = connection.execute("SELECT warehouse, sku, on_hand FROM inventory_level").fetchall()
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert {(place, sku): on_hand for place, sku, on_hand in rows} == {
        (place, one.sku): on_hand for one in seed.products for place, on_hand in one.stock.items()
    }


def test_making_it_again_keeps_what_is_there(path: Path) -> None:
    assert reserve(path, "q-1", "TG-00001", 3)
    assert create_database(path) == f"sqlite:///{path}"
    with closing(connect(path)) as connection:
        assert connection.execute("SELECT reference FROM reservation").fetchall() == [("q-1",)]


def test_many_at_once_never_sell_more_than_there_is(path: Path) -> None:
    with closing(connect(path)) as connection:
        connection.execute("UPDATE inventory_level SET on_hand = 10, safety_stock = 1 WHERE sku = 'TG-00001'")
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda number: reserve(path, f"q-{number}", "TG-00001", 2), range(16)))
    assert sum(taken) == 4
    with closing(connect(path)) as connection:
        level = connection.execute(
            "SELECT allocated, version FROM inventory_level WHERE sku = 'TG-00001' AND warehouse = 'HAM1'"
        ).fetchone()
        lines = connection.execute("SELECT sum(quantity) FROM reservation_line").fetchone()
    assert (level, lines) == ((8, 5), (8,))


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("UPDATE inventory_level SET allocated = on_hand + 1", "never_oversold"),
        ("UPDATE inventory_level SET on_hand = -1, allocated = -1", "CHECK"),
        (f"INSERT INTO reservation VALUES ('b', 'q', 'active', '{NOW}', '{LATER}', '{NOW}')", "UNIQUE"),
        (f"INSERT INTO reservation VALUES ('b', 'r', 'lost', '{NOW}', '{LATER}', '{NOW}')", "CHECK"),
        (f"INSERT INTO reservation VALUES ('b', 'r', 'active', '{LATER}', '{NOW}', '{NOW}')", "CHECK"),
        ("INSERT INTO reservation_line VALUES ('a', 'HAM1', 'TG-00002', 0)", "CHECK"),
        ("INSERT INTO reservation_line VALUES ('a', 'HAM1', 'TG-99999', 1)", "FOREIGN KEY"),
        ("UPDATE inventory_level SET on_hand = 'many'", "cannot store TEXT"),
    ],
)
def test_the_schema_refuses_what_must_not_be(path: Path, statement: str, complaint: str) -> None:
    with closing(connect(path)) as connection:
        connection.execute(f"INSERT INTO reservation VALUES ('a', 'q', 'active', '{NOW}', '{LATER}', '{NOW}')")
        with pytest.raises(sqlite3.IntegrityError, match=complaint):
            connection.execute(statement)


def test_two_that_make_it_at_once_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        urls = list(pool.map(create_database, [tmp_path / "wms.sqlite3"] * 2))
    assert urls[0] == urls[1]


def test_both_dialects_define_the_same_tables() -> None:
    tables = dict(seed_rows(company()))
    assert all(f"CREATE TABLE {table} (" in POSTGRESQL for table in tables)
    assert "STRICT" not in POSTGRESQL
    assert "timestamptz" in POSTGRESQL
