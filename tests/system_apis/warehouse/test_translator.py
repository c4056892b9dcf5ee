"""Which warehouse gives what: pure functions."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.canonical.inventory import WantedLine
from shared.contracts.system.warehouse import ShortStock
from system_apis.warehouse.records import LevelRecord, LineRecord
from system_apis.warehouse.translator import allocate, ships_from

LEVELS = st.builds(
    LevelRecord,
    st.sampled_from(["HAM1", "OSA1", "RNO1"]),
    st.sampled_from(["A", "B"]),
    st.integers(0, 50),
    st.integers(0, 10),
    st.integers(0, 10),
)
WANTED = st.builds(WantedLine, st.sampled_from(["A", "B"]), st.integers(1, 40).map(Decimal))


@given(
    st.lists(LEVELS, unique_by=lambda level: (level.warehouse, level.sku), min_size=1),
    st.lists(WANTED, min_size=1, max_size=4),
)
def test_all_is_allocated_or_nothing_and_never_more_than_is_free(
    levels: list[LevelRecord], lines: list[WantedLine]
) -> None:
    stocked = {level.sku for level in levels}
    lines = [line for line in lines if line.sku in stocked]
    free = {(level.warehouse, level.sku): level.free for level in levels}
    wanted = {sku: sum(int(line.quantity) for line in lines if line.sku == sku) for sku in {one.sku for one in lines}}
    enough = all(sum(pieces for (_, sku), pieces in free.items() if sku == one) >= many for one, many in wanted.items())
    if not lines:
        return
    if not enough:
        with pytest.raises(ShortStock):
            allocate(lines, levels)
        return
    taken = allocate(lines, levels)
    assert len({(line.warehouse, line.sku) for line in taken}) == len(taken)
    assert all(0 < line.quantity <= free[line.warehouse, line.sku] for line in taken)
    assert {sku: sum(line.quantity for line in taken if line.sku == sku) for sku in wanted} == wanted


def test_a_split_hold_leaves_from_where_most_of_it_lies() -> None:
    lines = [LineRecord("HAM1", "A", 3), LineRecord("RNO1", "A", 2), LineRecord("RNO1", "B", 2)]
    assert ships_from(lines) == "RNO1"
    assert ships_from(lines[:1]) == "HAM1"
