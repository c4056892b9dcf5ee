"""A database of an earlier version gets the tables it lacks and keeps what it has."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sandboxes.kit import State
from sandboxes.warehouse import create_database

OLD = "CREATE TABLE thing (name TEXT);"
NEW = OLD + "CREATE TABLE part (thing TEXT); CREATE INDEX part_by_thing ON part (thing);"


def test_tables_that_came_later_are_added_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    first = State(path, OLD, lambda connection: connection.execute("INSERT INTO thing VALUES ('kept')") and None)
    first.close()
    for _ in range(2):
        again = State(path, NEW, lambda connection: connection.execute("INSERT INTO thing VALUES ('seed')") and None)
        names = {row[0] for row in again.connection.execute("SELECT name FROM sqlite_master")}
        assert names >= {"thing", "part", "part_by_thing"}
        assert [row[0] for row in again.connection.execute("SELECT name FROM thing")] == ["kept"]
        again.close()


def test_a_table_that_counts_its_rows_can_come_later(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    State(path, OLD, lambda connection: None).close()
    counting = OLD + "CREATE TABLE event (place INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);"
    for place in (1, 2):
        again = State(path, counting, lambda connection: None)
        added = again.connection.execute("INSERT INTO event (text) VALUES ('happened') RETURNING place").fetchall()
        assert [row[0] for row in added] == [place]
        again.close()


def test_a_warehouse_of_an_earlier_version_can_take_goods_back(tmp_path: Path) -> None:
    path = tmp_path / "wms.sqlite3"
    create_database(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        stock = database.execute("SELECT sum(on_hand) FROM inventory_level").fetchone()
        database.execute("DROP TABLE return_receipt_line")
        database.execute("DROP TABLE return_receipt")
    create_database(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM return_receipt").fetchone() == (0,)
        assert database.execute("SELECT sum(on_hand) FROM inventory_level").fetchone() == stock
