import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from system_apis.salesforce.soql import MAX_LITERAL, Statement, containing, literal

_STRING = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class Row(msgspec.Struct):
    Id: str


def unescaped(quoted: str) -> str:
    """What Salesforce reads in a string literal, by the reference's list of escapes."""
    return re.sub(r"\\(.)", lambda found: _UNESCAPED.get(found[1], found[1]), quoted[1:-1], flags=re.DOTALL)


@given(st.text(max_size=200))
def test_any_text_stays_one_literal_and_keeps_its_meaning(text: str) -> None:
    quoted = literal(text)
    assert _STRING.fullmatch(quoted)
    assert unescaped(quoted) == text


@given(st.text(min_size=1, max_size=100))
def test_in_a_pattern_only_our_own_wildcards_are_wild(text: str) -> None:
    quoted = literal(containing(text))
    assert _STRING.fullmatch(quoted)
    inner = quoted[2:-2]
    assert not re.search(r"(?<!\\)(?:\\\\)*[%_]", inner)
    assert unescaped(f"'{inner}'") == text


@given(st.lists(st.text(max_size=30), min_size=1, max_size=10))
def test_a_list_becomes_as_many_literals(values: list[str]) -> None:
    written = literal(values)
    assert [unescaped(found) for found in _STRING.findall(written)] == values
    assert _STRING.sub("", written) == f"({',' * (len(values) - 1)})"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_a_number_is_exact_and_has_no_exponent(value: Decimal) -> None:
    assert Decimal(literal(value)) == value
    assert "E" not in literal(value)


@given(st.text(max_size=300), st.text(max_size=300))
def test_values_never_reach_the_statement(name: str, other: str) -> None:
    statement = Statement("/v", "SELECT Id FROM A WHERE N=:name AND M IN :others LIMIT :limit", Row)
    query = parse_qs(urlsplit(statement.path(name=name, others=[other], limit=5)).query)["q"][0]
    assert _STRING.sub("?", query) == "SELECT Id FROM A WHERE N=? AND M IN (?) LIMIT 5"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (None, "null"),
        (7, "7"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 10, tzinfo=UTC), "2026-01-31T10:00:00.000Z"),
        (datetime(2026, 1, 31, 10, tzinfo=timezone(timedelta(hours=1))), "2026-01-31T09:00:00.000Z"),
        ("O'Neill\\", r"'O\'Neill\\'"),
    ],
)
def test_a_value_is_written_by_its_type(value: object, written: str) -> None:
    assert literal(value) == written


@pytest.mark.parametrize(
    "value",
    [Decimal("NaN"), Decimal("Infinity"), datetime(2026, 1, 1), [], "x" * (MAX_LITERAL + 1)],  # noqa: DTZ001
)
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        literal(value)
