"""SuiteQL takes no parameters: whatever a caller says stays one literal."""

import sqlite3
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.binding.problems import Invalid
from system_apis.netsuite.suiteql import literal, statement


def test_values_are_written_by_their_kind() -> None:
    text = "SELECT id FROM t WHERE a = {name} AND b = {number} AND c >= {day} AND d IN {many} AND e IN {ids}"
    written = statement(text, name="O'Neil {number}", number=7, day=date(2026, 1, 31), many=["a", "b"], ids=[1, 2])
    assert written == (
        "SELECT id FROM t WHERE a = 'O''Neil {number}' AND b = 7 AND c >= TO_DATE('2026-01-31', 'YYYY-MM-DD') "
        "AND d IN ('a', 'b') AND e IN (1, 2)"
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "x' OR '1'='1",
        "'; DELETE FROM customer --",
        "' UNION SELECT email FROM employee WHERE '1'='1",
        "\\' OR 1=1 --",
        "''",
        "{number}",
        "%_",
    ],
)
def test_hostile_text_is_only_compared(hostile: str) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE customer (name TEXT)")
    database.executemany("INSERT INTO customer VALUES (?)", [(hostile,), ("other",)])
    found = database.execute(statement("SELECT name FROM customer WHERE name = {name}", name=hostile)).fetchall()
    assert found == [(hostile,)]
    database.close()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_one_literal_or_refused(text: str) -> None:
    try:
        written = literal(text)
    except Invalid:
        return
    assert sqlite3.connect(":memory:").execute(f"SELECT {written}").fetchone() == (text,)


@pytest.mark.parametrize("refused", ["a\x00b", "line\nbreak", "\ud800", "x" * 4001])
def test_text_that_no_literal_holds_is_refused(refused: str) -> None:
    with pytest.raises(Invalid):
        literal(refused)


def test_nothing_to_choose_from_is_refused() -> None:
    with pytest.raises(Invalid):
        statement("SELECT id FROM item WHERE itemid IN {skus}", skus=[])
