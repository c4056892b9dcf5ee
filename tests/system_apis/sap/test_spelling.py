"""OData literals, dates, decimals, numbers and amounts: nothing is lost, nothing escapes."""

from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandboxes.sap.odata_v2.expression import Literal, Operation, parse_expression
from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.security.secrets import Secret
from system_apis.sap import odata
from system_apis.sap.money import money
from system_apis.sap.order_body import order_body
from system_apis.sap.order_records import NewOrder
from system_apis.sap.paths import Paths
from system_apis.sap.settings import SapSettings

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=35).filter(
    lambda text: len(text.encode("utf-16-le")) <= 2 * 35  # SAP counts UTF-16 code units
)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**14), max_value=10**14)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> SapSettings:
    secret = tmp_path_factory.mktemp("secret") / "password"
    secret.write_text("p")
    return SapSettings(url="http://sap.example", username="U", password=Secret(f"file:{secret}"))


def operand(condition: str) -> object:
    """What an independent parser takes the right side of a comparison for."""
    tree = parse_expression(condition)
    assert isinstance(tree, Operation)
    side = tree.operands[1]
    assert isinstance(side, Literal)
    return side.value


@given(TEXT)
@example("' or '1' eq '1")
@example("''")
@example("a&$top=1#?+%27%00\\")
def test_text_literal_reads_back_as_the_same_text(value: str) -> None:
    query = odata.options({"filter": f"SoldToParty eq {odata.text_literal(value)}"})
    (condition,) = parse_qs(query, keep_blank_values=True, strict_parsing=True)["$filter"]
    assert operand(condition) == value


@given(TEXT.filter(bool))
@example("x')/to_Item('")
@example("../../evil?x=1#y")
def test_key_stays_one_segment_and_reads_back(value: str) -> None:
    path = odata.key("A_Product", value)
    assert path.isascii()
    assert not set(path) & set("/?# &+\r\n")
    assert unquote(path) == f"A_Product({odata.text_literal(value)})"


@given(st.dates())
@example(date.min)
@example(date.max)
def test_days_survive_literal_and_json(day: date) -> None:
    assert str(operand(f"CreationDate ge {odata.day_literal(day)}"))[:10] == day.isoformat()
    assert odata.day_of(odata.json_date(day)) == day


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("/Date(1130112000000)/", date(2005, 10, 24)),
        ("/Date(1130168212000+0000)/", date(2005, 10, 24)),
        ("/Date(-1)/", date(1969, 12, 31)),
        ("/Date(253402300799999)/", date.max),
        ("2026-01-15T00:00:00", date(2026, 1, 15)),
        ("", None),
        (None, None),
    ],
)
def test_dates_of_every_spelling(value: str | None, day: date | None) -> None:
    assert odata.day_of(value) == day


@pytest.mark.parametrize(
    "value", ["/Date(253402300800000)/", "/Date(9999999999999999999)/", "/Date()/", "soon", "0000-00-00"]
)
def test_a_date_that_is_none_is_a_fault(value: str) -> None:
    with pytest.raises(BackendFault):
        odata.day_of(value)


@given(DECIMALS)
@example(Decimal("1E+3"))
@example(Decimal("0E-9"))
@example(Decimal("-0.000000001"))
def test_decimals_are_exact_and_never_in_exponent_form(value: Decimal) -> None:
    text = odata.json_decimal(value, digits=24, scale=9)
    assert Decimal(text) == value
    assert "E" not in text


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "0.0001", "1000000000000", "1E+12"])
def test_decimals_that_do_not_fit_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"it (is|has)"):
        odata.json_decimal(Decimal(value), digits=15, scale=3)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12))
@pytest.mark.parametrize(("currency", "places"), [("EUR", 2), ("JPY", 0), ("KWD", 3)])
def test_amounts_keep_their_value_and_their_currencys_places(currency: str, places: int, value: Decimal) -> None:
    made = money(value, currency)
    assert made.amount == value
    assert -int(made.amount.as_tuple().exponent) >= places


@pytest.mark.parametrize(
    ("sent", "currency", "shown"),
    [("120.000", "EUR", "120.00"), ("1000.00", "JPY", "1000"), ("1.5", "KWD", "1.500"), ("0.125", "EUR", "0.125")],
)
def test_amounts_are_shown_as_their_currency_is(sent: str, currency: str, shown: str) -> None:
    assert str(money(Decimal(sent), currency).amount) == shown


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("0010100001", "10100001"), ("10", "10"), ("000", "0"), ("00A1", "00A1"), ("\u0660\u0661", "\u0660\u0661")],
)
def test_only_digits_lose_their_zeros(sent: str, shown: str) -> None:
    assert odata.document_number(sent) == shown


@given(
    reference=NAMES.filter(bool),
    purchase_order=NAMES,
    quantity=st.decimals(min_value=Decimal("0.001"), max_value=Decimal("999999999999.999"), places=3),
    price=st.decimals(min_value=0, max_value=10**14, places=9),
    day=st.dates(),
)
def test_order_says_in_saps_words_what_was_asked(
    settings: SapSettings, reference: str, purchase_order: str, quantity: Decimal, price: Decimal, day: date
) -> None:
    line = NewOrderLine("M", quantity, Money(price, "KWD"))
    asked = NewErpOrder(reference, "0000000042", "KWD", [line], requested_date=day, purchase_order=purchase_order)
    body = msgspec.json.decode(msgspec.json.encode(order_body(asked, settings)), type=NewOrder)
    (item,) = body.to_Item
    assert item.to_PricingElement is not None
    assert (Decimal(item.RequestedQuantity), Decimal(item.to_PricingElement[0].ConditionRateValue)) == (quantity, price)
    assert (body.PurchaseOrderByShipToParty, body.ExternalDocumentID) == (reference, reference)
    assert body.PurchaseOrderByCustomer == (purchase_order or reference)
    assert (odata.day_of(body.RequestedDeliveryDate), body.SoldToParty) == (day, "42")


@given(reference=TEXT, number=TEXT, since=st.dates())
def test_every_query_keeps_its_options(settings: SapSettings, reference: str, number: str, since: date) -> None:
    paths = Paths(settings)
    for path in (
        paths.orders_of(number, since, (since, number), 9),
        paths.order_with(reference),
        paths.customer(number),
    ):
        options = parse_qs(urlsplit(path).query, keep_blank_values=True, strict_parsing=True)
        assert options["sap-client"] == ["100"]
        assert all(len(values) == 1 for values in options.values())
        assert {"$filter", "$select", "$expand", "$top"} <= options.keys()


def test_reference_is_looked_for_where_the_settings_keep_it(settings: SapSettings) -> None:
    other = msgspec.structs.replace(settings, reference_field="ExternalDocumentID")
    assert "$filter=ExternalDocumentID%20eq" in Paths(other).order_with("r")
    assert "PurchaseOrderByShipToParty" not in Paths(other).order_with("r")
    body = order_body(NewErpOrder("r", "1", "EUR", [NewOrderLine("M", Decimal(1))], purchase_order="p"), other)
    assert (body.ExternalDocumentID, body.PurchaseOrderByShipToParty) == ("r", "")
