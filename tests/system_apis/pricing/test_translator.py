"""What the pricing service may say wrongly, and what its codes mean."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from shared.binding.problems import BackendFault
from shared.contracts.canonical.price import LineToPrice, PriceRequest
from system_apis.pricing.records import PricedLineRecord, PricesRecord, RefusalRecord
from system_apis.pricing.translator import problem_of_agreements, problem_of_prices, to_prices, to_query

DAY = date(2026, 1, 15)
REQUEST = PriceRequest("1", "EUR", [LineToPrice("A B&C", Decimal("1E+2"))], DAY)
LINE = PricedLineRecord("A B&C", Decimal(100), Decimal("1.10"), Decimal(0), Decimal("1.10"), Decimal("110.00"), "LIST")
RECORD = PricesRecord("1", "EUR", DAY, [LINE])


def test_quantities_are_written_without_an_exponent() -> None:
    assert ("quantity", "100") in to_query(REQUEST)


@pytest.mark.parametrize(
    "record",
    [
        PricesRecord("2", "EUR", DAY, [LINE]),
        PricesRecord("1", "USD", DAY, [LINE]),
        PricesRecord("1", "EUR", date(2026, 1, 16), [LINE]),
        PricesRecord("1", "EUR", DAY, []),
        PricesRecord("1", "EUR", DAY, [msgspec.structs.replace(LINE, quantity=Decimal(1))]),
        PricesRecord("1", "EUR", DAY, [msgspec.structs.replace(LINE, net_price=Decimal("NaN"))]),
    ],
)
def test_an_answer_to_another_question_is_not_believed(record: PricesRecord) -> None:
    assert to_prices(RECORD, REQUEST).net_total.amount == Decimal("110.00")
    with pytest.raises(BackendFault):
        to_prices(record, REQUEST)


def test_an_unknown_code_is_the_services_fault_and_lines_beyond_ours_are_left_out() -> None:
    assert "NEW_CODE" in problem_of_prices(RefusalRecord("NEW_CODE"), REQUEST).detail
    assert "<b>" not in problem_of_agreements(RefusalRecord("<b>"), "1").detail
    errors = problem_of_prices(RefusalRecord("UNKNOWN_SKU", [-1, 0, 7]), REQUEST).errors
    assert [error.pointer for error in errors] == ["/lines/0/sku"]
