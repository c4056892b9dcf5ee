"""The customer-360 answer in Pydantic, as a FastAPI application would have it, and how it is merged. No policies."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

_QUOTES = {
    "Draft": "draft", "In Review": "in-review", "Needs Review": "in-review", "Approved": "approved",
    "Presented": "approved", "Rejected": "rejected", "Denied": "rejected", "Accepted": "accepted",
}  # fmt: skip


_CENT = Decimal("0.01")


class Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Money(Model):
    amount: Decimal
    currency: str


class Address(Model):
    street: str = ""
    house_number: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str | None = None


class Contact(Model):
    name: str
    title: str = ""
    email: str = ""
    phone: str = ""


class Quote(Model):
    quote_id: str
    number: str
    name: str
    state: str
    total: Money
    expires: date | None = None


class Order(Model):
    order_id: str
    number: str
    state: str
    total: Money
    erp_order_id: str = ""


class Credit(Model):
    limit: Money
    blocked: bool = False


class Stamp(Model):
    system: str
    as_of: datetime
    age_seconds: float = 0.0


class Source(Model):
    part: str
    source: Stamp


class Customer360(Model):
    customer_id: str
    name: str
    phone: str = ""
    website: str = ""
    industry: str = ""
    address: Address | None = None
    credit: Credit | None = None
    contacts: list[Contact] = []
    quotes: list[Quote] = []
    orders: list[Order] = []
    sources: list[Source] = []


def merged(account: dict[str, Any], credit: dict[str, Any], orders: list[dict[str, Any]]) -> Customer360:
    """One answer from a Salesforce account with its children, an SAP credit profile and SAP orders."""
    now = datetime.now(UTC)
    return Customer360(
        customer_id=account["Id"],
        name=account["Name"],
        phone=account["Phone"] or "",
        website=account["Website"] or "",
        industry=account["Industry"] or "",
        address=_address(account["BillingAddress"]),
        credit=_credit(credit),
        contacts=[_contact(each) for each in _children(account, "Contacts")],
        quotes=[_quote(each) for each in _children(account, "Quotes")],
        orders=[_order(each) for each in orders],
        sources=[
            Source(part=part, source=Stamp(system=system, as_of=now))
            for part, system in (("customer", "crm"), ("credit", "erp"), ("erp-orders", "erp"))
        ],
    )


def _children(account: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return account[name]["records"] if account[name] else []


def _address(found: dict[str, Any] | None) -> Address | None:
    if found is None:
        return None
    return Address(
        street=found["street"] or "",
        city=found["city"] or "",
        region=found.get("stateCode") or found.get("state") or "",
        postal_code=found["postalCode"] or "",
        country=found.get("countryCode") or found.get("country"),
    )


def _contact(found: dict[str, Any]) -> Contact:
    return Contact(
        name=f"{found['FirstName'] or ''} {found['LastName'] or ''}".strip(),
        title=found["Title"] or "",
        email=found["Email"] or "",
        phone=found["Phone"] or "",
    )


def _quote(found: dict[str, Any]) -> Quote:
    return Quote(
        quote_id=found["Id"],
        number=found["QuoteNumber"],
        name=found["Name"],
        state=_QUOTES.get(found["Status"], "draft"),
        total=Money(amount=Decimal(str(found["GrandTotal"])), currency=found["CurrencyIsoCode"]),
        expires=found["ExpirationDate"],
    )


def _credit(found: dict[str, Any]) -> Credit | None:
    accounts = found["to_CreditMgmtAccountTP"]["results"]
    if not accounts:
        return None
    account = accounts[0]
    limit = _money(account["CreditLimitAmount"], account["CreditSegmentCurrency"])
    return Credit(limit=limit, blocked=account["CreditAccountIsBlocked"])


def _order(found: dict[str, Any]) -> Order:
    number = found["SalesOrder"]
    total = _money(found["TotalNetAmount"], found["TransactionCurrency"])
    return Order(order_id=number, number=number, state=_state(found), total=total, erp_order_id=number)


def _money(amount: str, currency: str) -> Money:
    return Money(amount=Decimal(amount).quantize(_CENT), currency=currency)


def _state(found: dict[str, Any]) -> str:
    if found["OverallSDDocumentRejectionSts"] == "C":
        return "cancelled"
    delivery = found["OverallTotalDeliveryStatus"]
    if delivery == "C":
        following = [each["SubsequentDocumentCategory"] for each in found["to_SubsequentProcFlowDoc"]["results"]]
        billed = found["OverallOrdReltdBillgStatus"] == "C" or following.count("M") > following.count("N")
        return "invoiced" if billed else "delivered"
    if delivery == "B":
        return "in-delivery"
    return "blocked" if found["TotalCreditCheckStatus"] == "B" or found["DeliveryBlockReason"] else "open"
