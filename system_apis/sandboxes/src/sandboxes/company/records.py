"""The records of the seed company: plain, frozen, in nobody's wire format.

Amounts of a customer or quote are in that record's own currency; list prices are in euro.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

QuoteStatus = Literal["Draft", "In Review", "Approved", "Rejected", "Accepted"]


class Address(Struct, frozen=True):
    """A postal address; `country` is ISO 3166 alpha-2, `region` a state or prefecture, or empty."""

    street: str
    house_number: str
    city: str
    region: str
    postal_code: str
    country: str


class Contact(Struct, frozen=True):
    """A person at a customer; `number` counts across the whole company."""

    number: int
    salesforce_id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    title: str


class ShipTo(Struct, frozen=True):
    """A place goods go to, which SAP keeps as a customer of its own."""

    sap_customer: str
    name: str
    address: Address


class Customer(Struct, frozen=True):
    """A firm that buys; the same firm in every backend."""

    number: int
    salesforce_id: str
    sap_customer: str
    sap_business_partner: str
    name: str
    legal_name: str
    sap_name_parts: tuple[str, ...]  # legal name in at most four parts of 40
    industry: str
    website: str
    phone: str
    tax_number: str
    language: str  # ISO 639-1
    currency: str
    country: str
    billing: Address
    ship_to: tuple[ShipTo, ...]
    contacts: tuple[Contact, ...]
    parent: int | None
    owner: int  # number of the salesperson
    credit_limit: Decimal
    credit_exposure: Decimal
    order_blocked: bool
    payment_terms: str  # SAP terms of payment, e.g. "0001"


class Product(Struct, frozen=True):
    """A thing sold by the piece; `stock` is pieces on hand by warehouse code."""

    number: int
    salesforce_id: str
    sku: str
    name: str
    description: str
    family: str
    list_price: Decimal
    currency: str
    weight_grams: int
    dimensions_mm: tuple[int, int, int]  # length, width, height
    base_unit: str
    stock: dict[str, int]
    active: bool


class QuoteLine(Struct, frozen=True):
    """One line; `unit_price` is before the discount, `discount_percent` 0 to 100."""

    salesforce_id: str
    product: int
    quantity: Decimal
    unit_price: Decimal
    discount_percent: Decimal


class Quote(Struct, frozen=True):
    """An offer to a customer; `scenario` says why it exists."""

    number: int
    salesforce_id: str
    opportunity_id: str
    name: str
    scenario: str
    customer: int
    ship_to: int  # index into the customer's ship_to
    status: QuoteStatus
    created: date
    expires: date
    currency: str
    lines: tuple[QuoteLine, ...]


class Salesperson(Struct, frozen=True):
    """An employee of the seed company who owns customers; a Salesforce user."""

    number: int
    salesforce_id: str
    first_name: str
    last_name: str
    email: str
    username: str


class Warehouse(Struct, frozen=True):
    """A place stock is kept; SAP knows it as `sap_plant`."""

    code: str
    name: str
    sap_plant: str
    sap_sales_organization: str
    address: Address


class Company(Struct, frozen=True):
    """The whole seed company, with look-ups by number, id and SKU."""

    name: str
    salesforce_organization_id: str
    standard_pricebook_id: str
    salespeople: tuple[Salesperson, ...]
    warehouses: tuple[Warehouse, ...]
    customers: tuple[Customer, ...]
    prospects: tuple[Customer, ...]  # in the CRM only; no numbers of SAP's
    prospect_kinds: dict[str, tuple[int, ...]]  # numbers of prospects by what is special about them
    products: tuple[Product, ...]
    quotes: tuple[Quote, ...]
    exchange_rates: dict[str, Decimal]  # units of the currency for one euro
    customer_by_number: dict[int, Customer]
    customer_by_salesforce_id: dict[str, Customer]
    customer_by_sap: dict[str, Customer]
    product_by_number: dict[int, Product]
    product_by_sku: dict[str, Product]
    product_by_salesforce_id: dict[str, Product]
    quote_by_number: dict[int, Quote]
    quote_by_salesforce_id: dict[str, Quote]

    @property
    def accounts(self) -> tuple[Customer, ...]:
        """Everybody the CRM knows."""
        return self.customers + self.prospects

    def prospects_for(self, kind: str) -> tuple[Customer, ...]:
        """Every firm that is in the CRM only and is of this kind, in order of number; empty when there is none."""
        return tuple(self.customer_by_number[number] for number in self.prospect_kinds.get(kind, ()))

    def quotes_for(self, scenario: str) -> tuple[Quote, ...]:
        """Every quote that exists for this reason, in order of number; empty when there is none."""
        return tuple(quote for quote in self.quotes if quote.scenario == scenario)
