"""Fills a new org with the seed company: the same firms, products and quotes as in every other sandbox."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandboxes.company import Address, Customer, Product, Quote, QuoteLine, company, minor_units, salesforce_id
from sandboxes.salesforce.analytics.seed import seed_dataset
from sandboxes.salesforce.schema import Catalogue
from sandboxes.salesforce.schema.values import read_value
from sandboxes.salesforce.storage import Insert

INTEGRATION_USER_ID = salesforce_id("005", 1_000)
READER_USER_ID = salesforce_id("005", 1_001)
READER_USERNAME = "catalog-reader@tarn-gauge.example"
INTEGRATION_USERNAME = "integration@tarn-gauge.example"
_OPENED = "2026-01-05T08:00:00.000+0000"
_STAGES = {
    "Draft": "Proposal/Price Quote",
    "In Review": "Proposal/Price Quote",
    "Approved": "Negotiation/Review",
    "Accepted": "Closed Won",
    "Rejected": "Closed Lost",
}


class Seed:
    """Writes the seed rows; no rule runs, as with data loaded by an administrator.

    Args:
        catalogue: Gives fields that a row leaves out their defaults.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._defaults: dict[str, dict[str, Any]] = {}
        self._counts: dict[str, int] = {}

    def __call__(self, insert: Insert) -> None:
        """Insert every seed row."""
        self._counts.clear()
        self._insert = insert
        self._people()
        self._accounts()
        currencies = {quote.currency for quote in company().quotes} | {"EUR"}
        self._products(sorted(currencies))
        for quote in company().quotes:
            self._quote(quote)
        insert("_dataset", seed_dataset(company().customers, _OPENED))

    def _row(self, name: str, record_id: str, row: Mapping[str, Any], at: str = _OPENED) -> None:
        defaults = self._defaults.get(name) or self._default_row(name)
        audit = {"CreatedDate": at, "LastModifiedDate": at, "SystemModstamp": at}
        self._insert(name, {**defaults, **audit, "Id": record_id, **row})

    def _default_row(self, name: str) -> dict[str, Any]:
        sobject = self._catalogue.sobjects[name.lower()]
        row = {field.name: read_value(field, field.default) for field in sobject.columns}
        row |= {"CreatedById": INTEGRATION_USER_ID, "LastModifiedById": INTEGRATION_USER_ID, "IsDeleted": 0}
        self._defaults[name] = row
        return row

    def _number(self, name: str, width: int) -> str:
        self._counts[name] = self._counts.get(name, 0) + 1
        return str(self._counts[name]).zfill(width)

    def _people(self) -> None:
        firm = company()
        self._row("Organization", firm.salesforce_organization_id, {"Name": firm.name, "InstanceName": "EU99"})
        self._user(INTEGRATION_USER_ID, "Integration", "User", INTEGRATION_USERNAME, INTEGRATION_USERNAME)
        self._user(READER_USER_ID, "Catalog", "Reader", READER_USERNAME, READER_USERNAME)
        for person in firm.salespeople:
            self._user(person.salesforce_id, person.first_name, person.last_name, person.email, person.username)

    def _user(self, record_id: str, first: str, last: str, email: str, username: str) -> None:
        row = {"FirstName": first, "LastName": last, "Name": f"{first} {last}", "Email": email}
        row |= {"Username": username, "Alias": last[:8].lower(), "IsActive": 1}
        self._row("User", record_id, row)

    def _accounts(self) -> None:
        owners = {person.number: person.salesforce_id for person in company().salespeople}
        for customer in company().accounts:
            owner = owners[customer.owner]
            self._row("Account", customer.salesforce_id, _account(customer) | {"OwnerId": owner})
            for person in customer.contacts:
                name = {"FirstName": person.first_name, "LastName": person.last_name}
                full = f"{person.first_name} {person.last_name}".strip()
                row = {"AccountId": customer.salesforce_id, **name, "Name": full, "OwnerId": owner}
                row |= {"Email": person.email, "Phone": person.phone, "Title": person.title}
                row |= {"CurrencyIsoCode": customer.currency, **_address("Mailing", customer.billing)}
                self._row("Contact", person.salesforce_id, row)

    def _products(self, currencies: list[str]) -> None:
        book = company().standard_pricebook_id
        self._row("Pricebook2", book, {"Name": "Standard Price Book", "IsActive": 1, "IsStandard": 1})
        for product in company().products:
            self._row("Product2", product.salesforce_id, _product(product))
            for place, currency in enumerate(currencies):
                rate = company().exchange_rates[currency] / company().exchange_rates[product.currency]
                price = float(round(product.list_price * rate, minor_units(currency)))
                row = {"Pricebook2Id": book, "Product2Id": product.salesforce_id, "UnitPrice": price}
                row |= {"CurrencyIsoCode": currency, "IsActive": int(product.active)}
                row |= {"Name": product.name, "ProductCode": product.sku}
                self._row("PricebookEntry", entry_id(product.number, place), row)
        self._places = {currency: place for place, currency in enumerate(currencies)}

    def _quote(self, quote: Quote) -> None:
        customer = company().customer_by_number[quote.customer]
        owner = {person.number: person.salesforce_id for person in company().salespeople}[customer.owner]
        created = f"{quote.created.isoformat()}T08:00:00.000+0000"
        shared = {"CurrencyIsoCode": quote.currency, "OwnerId": owner}
        shared["Pricebook2Id"] = company().standard_pricebook_id
        totals = [_line_totals(line, quote.currency) for line in quote.lines]
        price = round(sum(each[1] for each in totals), 3)
        stage = _STAGES[quote.status]
        row: dict[str, Any] = {**shared, "AccountId": customer.salesforce_id, "Name": quote.name[:120]}
        row |= {"StageName": stage, "CloseDate": quote.expires.isoformat(), "Amount": price}
        row |= {"IsClosed": int(stage.startswith("Closed")), "IsWon": int(stage == "Closed Won")}
        self._row("Opportunity", quote.opportunity_id, row, created)
        subtotal = round(sum(each[0] for each in totals), 3)
        row = shared | _quote_row(quote, customer) | {"Subtotal": subtotal, "TotalPrice": price}
        row |= {"QuoteNumber": self._number("Quote", 8), "GrandTotal": price}
        row["Discount"] = round((1 - price / subtotal) * 100, 2) if subtotal else 0.0
        self._row("Quote", quote.salesforce_id, row, created)
        for line, (gross, net) in zip(quote.lines, totals, strict=True):
            self._line(quote, line, gross, net, created)

    def _line(self, quote: Quote, line: QuoteLine, gross: float, net: float, created: str) -> None:
        product = company().product_by_number[line.product]
        row = {"LineNumber": self._number("QuoteLineItem", 8), "QuoteId": quote.salesforce_id}
        row["PricebookEntryId"] = entry_id(product.number, self._places[quote.currency])
        row |= {"Product2Id": product.salesforce_id, "Quantity": float(line.quantity)}
        row |= {"UnitPrice": float(line.unit_price), "ListPrice": float(line.unit_price)}
        row |= {"Discount": float(line.discount_percent), "Subtotal": gross, "TotalPrice": net}
        row |= {"CurrencyIsoCode": quote.currency}
        self._row("QuoteLineItem", line.salesforce_id, row, created)


def entry_id(product: int, currency_place: int) -> str:
    """The id of a product's price book entry in one of the seed currencies."""
    return salesforce_id("01u", currency_place * 10_000 + product)


def _line_totals(line: QuoteLine, currency: str) -> tuple[float, float]:
    places = minor_units(currency)
    gross = line.quantity * line.unit_price
    net = gross * (1 - line.discount_percent / Decimal(100))
    return float(round(gross, places)), float(round(net, places))


def _address(stem: str, address: Address) -> dict[str, str]:
    parts = {
        "Street": f"{address.street[:250]} {address.house_number}".strip(),  # a street field holds 255
        "City": address.city,
        "State": address.region,
        "PostalCode": address.postal_code,
        "Country": address.country,
    }
    return {stem + part: value for part, value in parts.items() if value}


def _account(customer: Customer) -> dict[str, Any]:
    parent = company().customer_by_number.get(customer.parent or 0)
    return {
        "Name": customer.name,
        "Type": "Customer - Direct",
        "ParentId": parent.salesforce_id if parent else None,
        "Phone": customer.phone,
        "AccountNumber": f"A-{customer.number:05d}",
        "Website": customer.website,
        "Industry": customer.industry,
        "CurrencyIsoCode": customer.currency,
        "ERP_Customer_Number__c": customer.sap_customer or None,
        "Legal_Name__c": customer.legal_name,
        "Tax_Number__c": customer.tax_number,
        "Language__c": customer.language,
        "Payment_Terms__c": customer.payment_terms,
        "Credit_Limit__c": float(customer.credit_limit),
        "Credit_Exposure__c": float(customer.credit_exposure),
        "Order_Block__c": int(customer.order_blocked),
        **_address("Billing", customer.billing),
        **_address("Shipping", customer.ship_to[0].address),
    }


def _product(product: Product) -> dict[str, Any]:
    length, width, height = product.dimensions_mm
    return {
        "Name": product.name,
        "ProductCode": product.sku,
        "StockKeepingUnit": product.sku,
        "Description": product.description,
        "IsActive": int(product.active),
        "Family": product.family,
        "QuantityUnitOfMeasure": product.base_unit,
        "CurrencyIsoCode": product.currency,
        "Weight_Grams__c": float(product.weight_grams),
        "Length_mm__c": float(length),
        "Width_mm__c": float(width),
        "Height_mm__c": float(height),
    }


def _quote_row(quote: Quote, customer: Customer) -> dict[str, Any]:
    ship_to, contact = customer.ship_to[quote.ship_to], next(iter(customer.contacts), None)
    return {
        "Name": quote.name,
        "OpportunityId": quote.opportunity_id,
        "AccountId": customer.salesforce_id,
        "ContactId": contact.salesforce_id if contact else None,
        "Status": quote.status,
        "ExpirationDate": quote.expires.isoformat(),
        "LineItemCount": len(quote.lines),
        "BillingName": customer.legal_name,
        "ShippingName": ship_to.name,
        "Email": contact.email if contact else None,
        "Phone": contact.phone if contact else None,
        "Ship_To_ERP_Number__c": ship_to.sap_customer or None,
        **_address("Billing", customer.billing),
        **_address("Shipping", ship_to.address),
    }
