import string

from hypothesis import given
from hypothesis import strategies as st

from sandboxes.salesforce.ids import new_id, to_18

ALPHABET = string.ascii_letters + string.digits


def test_the_documented_example_gets_its_documented_suffix() -> None:
    assert to_18("001D000000IqhSL") == "001D000000IqhSLIAZ"


@given(st.text(ALPHABET, min_size=15, max_size=15))
def test_18_characters_survive_the_loss_of_case(short: str) -> None:
    full = to_18(short)
    assert full is not None
    assert to_18(full) == full
    assert to_18(full.lower()) == full
    assert to_18(full.upper()) == full


def test_what_is_no_id_is_none() -> None:
    for wrong in ("", "001", "001D000000IqhSL!", "001D000000IqhSLAAA1", "001D000000Iqh'L"):
        assert to_18(wrong) is None
    assert to_18("001D000000IqhSLZZZ") is None


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_new_ids_are_distinct_and_valid(one: int, other: int) -> None:
    first, second = new_id("801", one), new_id("801", other)
    assert (first == second) == (one == other)
    assert len(first) == 18
    assert to_18(first) == first
