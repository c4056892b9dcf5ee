from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.binding.problems import BackendFault, Invalid
from shared.contracts.canonical.order import CrmOrder, NewCrmOrder, NewCrmOrderLine
from shared.contracts.canonical.party import Customer
from shared.contracts.canonical.quote import Quote
from shared.contracts.canonical.values import Money
from shared.contracts.system.crm import CrmOrderStatus
from shared.security.secrets import Secret
from system_apis.salesforce.connector import SalesforceSettings
from system_apis.salesforce.records import (
    AccountRecord,
    CompoundAddress,
    OrderRecord,
    ProductRecord,
    QuoteDocument,
    QuoteLineRecord,
    QuoteRecord,
    QuoteStanding,
    Rows,
)
from system_apis.salesforce.spelling import Spelling
from system_apis.salesforce.translator import Translator, quote_state

TODAY = date(2026, 6, 1)
ID = "001D000000IqhSLIAZ"
_TEXT = st.text(max_size=80)
_MONEY = st.decimals(-(10**15), 10**15, allow_nan=False, allow_infinity=False, places=3)


@pytest.fixture
def translator(monkeypatch: pytest.MonkeyPatch) -> Translator:
    return _translator(monkeypatch)


def _translator(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Translator:
    monkeypatch.setenv("KEY_OF_THIS_TEST", "key")
    key = Secret("env:KEY_OF_THIS_TEST")
    return Translator(SalesforceSettings(url="http://crm", username="u", private_key=key, **changes))


def _as_sent(record: msgspec.Struct, kind: type) -> object:
    """The record as Salesforce would send it and we would read it."""
    wire = msgspec.json.encode(record, enc_hook=str)
    return msgspec.json.Decoder(Spelling({"erp_number": "E__c"}, multi_currency=True).of(kind)).decode(wire)


@given(name=_TEXT, street=_TEXT, city=_TEXT, phone=_TEXT)
def test_text_in_every_script_comes_through_unchanged(name: str, street: str, city: str, phone: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        translator = _translator(patch)
    record = AccountRecord(ID, name, phone=phone, billing_address=CompoundAddress(street=street, city=city))
    customer = translator.customer(_as_sent(msgspec.structs.replace(record, currency_iso_code="EUR"), AccountRecord))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(customer), type=Customer)
    assert (again.name, again.phone) == (name, phone)
    assert again.billing_address is not None
    assert (again.billing_address.street, again.billing_address.city) == (street, city)


@given(_MONEY)
def test_amounts_are_exact_to_the_last_digit(amount: Decimal) -> None:
    with pytest.MonkeyPatch.context() as patch:
        translator = _translator(patch)
    wire = (
        '{"Id":"801","OrderNumber":"1","AccountId":"001","Status":"Draft","CurrencyIsoCode":"KWD",'
        f'"TotalAmount":{amount:f}}}'
    )
    order = translator.order(msgspec.json.decode(wire, type=OrderRecord))
    again = msgspec.json.decode(msgspec.json.encode(order), type=CrmOrder)
    assert again.total == Money(amount, "KWD")


def test_whole_numbers_lose_the_point_that_salesforce_adds(translator: Translator) -> None:
    order = OrderRecord("801", "1", "001", "Draft", total_amount=Decimal("1500.0"), currency_iso_code="JPY")
    assert str(translator.order(order).total.amount) == "1500"


@pytest.mark.parametrize(
    ("status", "expires", "state"),
    [
        ("Draft", None, "draft"),
        ("Needs Review", None, "in-review"),
        ("In Review", date(2026, 6, 1), "in-review"),
        ("Approved", date(2026, 6, 1), "approved"),
        ("Approved", date(2026, 5, 31), "expired"),
        ("Presented", None, "approved"),
        ("Rejected", date(2020, 1, 1), "rejected"),
        ("Denied", None, "rejected"),
        ("Accepted", date(2020, 1, 1), "accepted"),
        ("Invented by an administrator", None, "draft"),
        (None, None, "draft"),
    ],
)
def test_a_quote_stands_where_its_status_and_date_say(status: str | None, expires: date | None, state: str) -> None:
    assert quote_state(status, expires, TODAY) == state


def _line(**changes: object) -> QuoteLineRecord:
    line = QuoteLineRecord(
        "0QL", Decimal("3.0"), Decimal("19.99"), ProductRecord("Pump", "TG-1"), "01t", "01u", currency_iso_code="EUR"
    )
    return msgspec.structs.replace(line, **changes)


def _quote(translator: Translator, *lines: QuoteLineRecord, **changes: object) -> Quote:
    created = msgspec.convert("2026-01-01T00:00:00Z", type=QuoteRecord.__annotations__["created_date"])
    record = QuoteDocument("0Q0", "1", "Q", created, currency_iso_code="EUR", quote_line_items=Rows(list(lines)))
    return translator.quote(msgspec.structs.replace(record, **changes), ID, TODAY, list(lines))


def test_a_line_is_priced_after_its_discount(translator: Translator) -> None:
    line = _quote(translator, _line(discount=Decimal("7.5"))).lines[0]
    assert line.unit_price == Money(Decimal("18.49075"), "EUR")
    assert (str(line.quantity), line.discount_percent) == ("3", Decimal("7.5"))


@pytest.mark.parametrize("code", [None, "", "with space", "x" * 41, "Größe"])
def test_a_product_without_a_usable_code_is_named_and_not_sold(translator: Translator, code: str | None) -> None:
    with pytest.raises(BackendFault, match="01t has no usable product code"):
        _quote(translator, _line(product2=ProductRecord("Pump", code)))


def test_the_total_includes_tax_and_shipping_where_known(translator: Translator) -> None:
    assert _quote(translator, total_price=Decimal(10), grand_total=Decimal(12)).total.amount == 12
    assert _quote(translator, total_price=Decimal(10)).total.amount == 10
    assert _quote(translator).total.amount == 0


@pytest.mark.parametrize(
    ("address", "country", "region"),
    [
        (CompoundAddress(country="DE", state="Bayern"), "DE", "Bayern"),
        (CompoundAddress(country="Germany", country_code="DE", state="Bavaria", state_code="BY"), "DE", "BY"),
        (CompoundAddress(country="Germany"), None, ""),
    ],
)
def test_a_country_is_its_code_or_unknown(
    translator: Translator, address: CompoundAddress, country: str | None, region: str
) -> None:
    found = translator.customer(AccountRecord(ID, "A", billing_address=address, currency_iso_code="EUR"))
    assert found.billing_address is not None
    assert (found.billing_address.country, found.billing_address.region) == (country, region)


def test_an_erp_number_that_is_none_is_left_out(translator: Translator) -> None:
    assert translator.customer(AccountRecord(ID, "A", "not a number", currency_iso_code="EUR")).erp_number is None


def test_a_single_currency_org_needs_no_currency_on_records(monkeypatch: pytest.MonkeyPatch) -> None:
    translator = _translator(monkeypatch, currency="CHF")
    assert translator.customer(AccountRecord(ID, "A")).currency == "CHF"
    assert "CurrencyIsoCode" not in translator.order_fields(_order(), _standing(), TODAY)
    assert "CurrencyIsoCode" not in Spelling({}, multi_currency=False).columns(AccountRecord, {})


def _standing() -> QuoteStanding:
    moment = msgspec.convert("2026-01-01T00:00:00Z", type=QuoteStanding.__annotations__["last_modified_date"])
    return QuoteStanding(ID, moment, pricebook2_id=ID)


def _order(*lines: NewCrmOrderLine) -> NewCrmOrder:
    return NewCrmOrder(
        reference="R", customer_id=ID[:15], quote_id=ID, erp_order_id="45", currency="EUR", lines=list(lines)
    )


def test_what_an_order_leaves_out_comes_from_the_quote_and_the_calendar(translator: Translator) -> None:
    fields = translator.order_fields(_order(), _standing(), TODAY)
    assert (fields["AccountId"], fields["Pricebook2Id"], fields["EffectiveDate"]) == (ID, ID, TODAY)
    assert "OpportunityId" not in fields


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        (NewCrmOrderLine(ID, Decimal("NaN"), Money(Decimal(1), "EUR")), "/lines/0/quantity"),
        (NewCrmOrderLine(ID, Decimal(1), Money(Decimal("Infinity"), "EUR")), "/lines/0/unitPrice/amount"),
        (NewCrmOrderLine(ID, Decimal(1), Money(Decimal(1), "USD")), "/lines/0/unitPrice/currency"),
        (NewCrmOrderLine("nonsense", Decimal(1), Money(Decimal(1), "EUR")), "/lines/0/priceBookEntryId"),
        (NewCrmOrderLine(ID, Decimal(1), Money(Decimal(1), "EUR"), "nonsense"), "/lines/0/quoteLineId"),
    ],
)
def test_a_line_that_cannot_be_recorded_is_pointed_at(
    translator: Translator, line: NewCrmOrderLine, pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        translator.order_items(_order(line), "@{order.id}")
    assert refused.value.errors[0].pointer == pointer


def test_an_order_without_lines_is_refused(translator: Translator) -> None:
    with pytest.raises(Invalid):
        translator.order_items(_order(), "@{order.id}")


def test_fulfilment_is_written_as_picklists_spell_it(translator: Translator) -> None:
    assert translator.status_fields(CrmOrderStatus("shipped")) == {"Fulfilment_Status__c": "Shipped"}
    noted = translator.status_fields(CrmOrderStatus("Packed", "T1"))
    assert noted == {"Fulfilment_Status__c": "Packed", "Tracking_Number__c": "T1"}
