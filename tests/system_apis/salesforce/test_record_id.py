import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes.company import company
from system_apis.salesforce.record_id import to_18

_BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def test_the_suffix_of_a_documented_id_is_right() -> None:
    assert to_18("001D000000IqhSL") == "001D000000IqhSLIAZ"


def test_every_seed_id_is_accepted_in_both_forms() -> None:
    for customer in company().customers:
        assert to_18(customer.salesforce_id) == to_18(customer.salesforce_id[:15]) == customer.salesforce_id


@pytest.mark.parametrize(
    "malformed",
    ["", "001", "001D000000IqhS", "001D000000IqhSLIA", "001D000000IqhSLIAZ0", "001D000000Iqh'L", "001D000000IqhSLAAA",
     "001D000000IqhSé", "001D000000IqhSL\n"],
)  # fmt: skip
def test_a_malformed_id_has_no_form(malformed: str) -> None:
    assert to_18(malformed) is None


def test_an_id_whose_case_was_changed_on_the_way_counts_as_malformed() -> None:
    assert to_18("001D000000IqhSLIAZ".upper()) is None


@given(st.text(_BASE62, min_size=15, max_size=15))
def test_the_long_form_leads_back_to_itself(short: str) -> None:
    full = to_18(short)
    assert full is not None
    assert len(full) == 18
    assert to_18(full) == full
