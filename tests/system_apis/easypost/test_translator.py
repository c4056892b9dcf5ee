"""Units, money, addresses and faults: pure functions."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded, Refused
from shared.contracts.canonical.shipment import Parcel
from shared.contracts.canonical.values import Address
from shared.contracts.system.logistics import AddressRefused
from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.easypost.records import (
    FaultRecord,
    FieldFaultRecord,
    PostageLabelRecord,
    RateRecord,
    ShipmentRecord,
    TrackerRecord,
    TrackingDetailRecord,
    TrackingLocationRecord,
)
from system_apis.easypost.translator import (
    GRAMS_PER_OUNCE,
    MM_PER_INCH,
    inches,
    ounces,
    problem_of_rating,
    problem_of_reply,
    to_address,
    to_parcel,
    to_rates,
    to_shipment,
)

TENTH = Decimal("0.1")


@given(st.integers(1, 1_000_000))
def test_ounces_are_never_too_few_and_less_than_a_tenth_too_many(grams: int) -> None:
    assert 0 <= ounces(grams) * GRAMS_PER_OUNCE - grams < TENTH * GRAMS_PER_OUNCE


@given(st.integers(1, 100_000))
def test_inches_are_never_too_few_and_less_than_a_tenth_too_many(millimetres: int) -> None:
    assert 0 <= inches(millimetres) * MM_PER_INCH - millimetres < TENTH * MM_PER_INCH


@given(st.integers(1, 1_000_000), st.integers(0, 1000))
def test_more_grams_are_never_fewer_ounces(grams: int, more: int) -> None:
    assert ounces(grams) <= ounces(grams + more)


def test_known_measures() -> None:
    parcel = to_parcel(Parcel(weight_grams=454, length_mm=254, width_mm=255, height_mm=1))
    assert (parcel.weight, parcel.length, parcel.width, parcel.height) == (
        Decimal("16.1"), Decimal("10.0"), Decimal("10.1"), Decimal("0.1"),
    )  # fmt: skip


PRICES = st.decimals(min_value=0, max_value=100_000, allow_nan=False, allow_infinity=False)


@given(st.lists(PRICES, max_size=8))
def test_prices_arrive_to_the_last_digit_and_cheapest_first(prices: list[Decimal]) -> None:
    wire = msgspec.json.encode(
        {
            "id": "shp_1",
            "rates": [
                {
                    "id": f"rate_{n}",
                    "carrier": "UPS",
                    "service": "Ground",
                    "rate": format(price, "f"),
                    "currency": "USD",
                }
                for n, price in enumerate(prices)
            ],
        }
    )
    rates = to_rates(msgspec.json.decode(wire, type=ShipmentRecord)).rates
    assert [rate.price.amount for rate in rates] == sorted(prices)
    assert {rate.price.currency for rate in rates} <= {"USD"}


def test_each_currency_is_sorted_by_itself() -> None:
    def rate(number: int, price: str, currency: str) -> RateRecord:
        return RateRecord(f"rate_{number}", "DHL", "Express", Decimal(price), currency, est_delivery_days=number)

    found = to_rates(
        ShipmentRecord("shp_1", rates=[rate(1, "9", "USD"), rate(2, "8.5", "EUR"), rate(3, "1200", "JPY")])
    )
    assert [(one.price.currency, one.days) for one in found.rates] == [("EUR", 2), ("JPY", 3), ("USD", 1)]


def test_a_price_that_is_no_number_is_the_backends_fault() -> None:
    rate = RateRecord("rate_1", "UPS", "Ground", Decimal("NaN"), "USD")
    with pytest.raises(BackendFault, match="price"):
        to_rates(ShipmentRecord("shp_1", rates=[rate]))


@pytest.mark.parametrize(("country", "line"), [("US", "12 Oak Ave"), ("DE", "Oak Ave 12"), ("JP", "Oak Ave 12")])
def test_the_house_number_stands_where_the_country_puts_it(country: str, line: str) -> None:
    assert to_address("A", Address("Oak Ave", "12", "Austin", "", "78701", country)).street1 == line


def test_an_address_without_street_town_or_country_is_refused_by_field() -> None:
    with pytest.raises(AddressRefused) as caught:
        to_address("A", Address(house_number="12", postal_code="78701"))
    assert [error.pointer for error in caught.value.errors] == ["/shipTo/street", "/shipTo/city", "/shipTo/country"]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("unknown", "booked"),
        ("pre_transit", "pre-transit"),
        ("in_transit", "in-transit"),
        ("out_for_delivery", "out-for-delivery"),
        ("available_for_pickup", "out-for-delivery"),
        ("delivered", "delivered"),
        ("return_to_sender", "returned"),
        ("failure", "failed"),
        ("cancelled", "failed"),
        ("error", "failed"),
        ("a_state_of_tomorrow", "booked"),
    ],
)
def test_tracking_states(status: str, state: str) -> None:
    bought = ShipmentRecord("shp_1", postage_label=PostageLabelRecord(), tracker=TrackerRecord(status))
    assert to_shipment(bought).state == state


@pytest.mark.parametrize(
    ("refund", "state"), [("submitted", "refunded"), ("refunded", "refunded"), ("rejected", "delivered")]
)
def test_a_refund_asked_for_counts_unless_the_carrier_rejects_it(refund: str, state: str) -> None:
    label, tracker = PostageLabelRecord(), TrackerRecord("delivered")
    assert (
        to_shipment(ShipmentRecord("shp_1", refund_status=refund, postage_label=label, tracker=tracker)).state == state
    )


def test_scans_are_in_order_and_say_where() -> None:
    place = TrackingLocationRecord("Austin", None, "US")
    details = [
        TrackingDetailRecord("delivered", datetime(2026, 3, 2, tzinfo=UTC), "Delivered", place),
        TrackingDetailRecord("in_transit", datetime(2026, 3, 1)),  # noqa: DTZ001 - a carrier without zones
    ]
    events = to_shipment(ShipmentRecord("shp_1", tracker=TrackerRecord("delivered", None, details))).events
    assert [(one.state, one.at.tzinfo, one.place) for one in events] == [
        ("in-transit", UTC, ""),
        ("delivered", UTC, "Austin, US"),
    ]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BackendFault), (401, BackendFault), (402, BackendFault), (403, BackendFault), (405, BackendFault),
        (408, BackendUnavailable), (429, QuotaExceeded), (500, BackendUnavailable), (502, BackendUnavailable),
        (503, BackendUnavailable), (504, BackendUnavailable), (301, BackendFault),
    ],
)  # fmt: skip
def test_what_a_status_means(status: int, kind: type[Problem]) -> None:
    problem = problem_of_reply(WireReply(status, ReplyHeaders([("retry-after", "7")]), b"secret text"))
    assert type(problem) is kind
    assert "secret text" not in problem.detail
    if problem.transient:
        assert problem.retry_after == 7


@pytest.mark.parametrize(
    ("code", "fields", "kind", "pointers"),
    [
        ("ADDRESS.VERIFY.FAILURE", ["street1", "zip"], AddressRefused, ["/shipTo/street", "/shipTo/postalCode"]),
        ("ADDRESS.VERIFY.FAILURE", [], AddressRefused, ["/shipTo"]),
        ("PARAMETER.INVALID", ["weight"], Refused, ["/parcel/weightGrams"]),
        ("PARAMETER.INVALID", ["country"], AddressRefused, ["/shipTo/country"]),
        ("PARAMETER.INVALID", ["customs_info"], BackendFault, []),
    ],
)
def test_why_there_are_no_rates(code: str, fields: list[str], kind: type[Problem], pointers: list[str]) -> None:
    problem = problem_of_rating(FaultRecord(code, [*(FieldFaultRecord(field) for field in fields), "some text"]))
    assert type(problem) is kind
    assert [error.pointer for error in problem.errors] == pointers
    assert "some text" not in problem.detail
