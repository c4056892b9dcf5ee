"""Set-up lists: what entities, items and transactions refer to. Administrators change them, not integrations."""

from sandboxes.netsuite.schema.model import Field, RecordType, boolean, number, reference, string

_NAMED = (string("name", 83), boolean("isInactive"), string("externalId", 80))


def _list(name: str, title: str, *more: Field, package: tuple[str, str] = ("accounting", "lists")) -> RecordType:
    return RecordType(name, title, name, (*_NAMED, *more), package=package, writable=False)


CURRENCY = _list("currency", "Currency", string("symbol", 4), number("exchangeRate"), number("currencyPrecision"))
SUBSIDIARY = _list("subsidiary", "Subsidiary", reference("currency", "currency"), string("country", 2))
LOCATION = _list("location", "Location", reference("subsidiary", "subsidiary"))
TERM = _list("term", "Term", number("daysUntilNetDue"))
PRICE_LEVEL = _list("priceLevel", "Price Level")
CLASSIFICATION = _list("classification", "Class")
SALES_TAX_ITEM = _list("salesTaxItem", "Tax Code", number("rate"), string("country", 2))
EMPLOYEE = _list(
    "employee", "Employee", string("firstName", 32), string("lastName", 32), string("email", 254),
    package=("employees", "lists"),
)  # fmt: skip

LISTS = (CURRENCY, SUBSIDIARY, LOCATION, TERM, PRICE_LEVEL, CLASSIFICATION, SALES_TAX_ITEM, EMPLOYEE)
