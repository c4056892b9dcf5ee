"""Customers and the people who work there."""

from typing import Literal

import msgspec

from shared.contracts.canonical.values import Address, CurrencyCode, Id, Money, Name, ShortText
from shared.security.sensitive import Sensitive

PartnerFunction = Literal["sold-to", "ship-to", "bill-to", "payer"]


class Contact(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A person at a customer."""

    contact_id: Id
    first_name: ShortText = ""
    last_name: ShortText = ""
    title: ShortText = ""
    email: Sensitive[str] = ""
    phone: Sensitive[str] = ""


class Customer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A company we sell to, as the CRM knows it.

    `erp_number` is the ERP's customer number, absent until the customer exists there; `parent_id` is the
    CRM id of the company above it in the hierarchy.
    """

    customer_id: Id
    name: Name
    erp_number: Id | None = None
    parent_id: Id | None = None
    industry: ShortText = ""
    phone: ShortText = ""
    website: ShortText = ""
    currency: CurrencyCode | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None


class Partner(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Another customer number that plays a part for this one."""

    function: PartnerFunction
    erp_number: Id
    name: Name = ""
    is_default: bool = False


class SalesArea(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Where in the seller's organisation a customer may be sold to; an order needs one."""

    organization: str
    channel: str
    division: str
    currency: CurrencyCode
    payment_terms: str = ""
    incoterms: str = ""
    price_group: str = ""
    supplying_plant: str = ""
    blocked: bool = False
    partners: list[Partner] = []


class CompanyCodeData(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How one legal entity of the seller keeps accounts with a customer."""

    company_code: str
    reconciliation_account: str = ""
    payment_terms: str = ""


class ErpCustomer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A company we sell to, as the ERP knows it, with everything an order depends on."""

    erp_number: Id
    business_partner: Id
    name: Name
    address: Address | None = None
    tax_number: ShortText = ""
    parent_erp_number: Id | None = None
    order_blocked: bool = False
    delivery_blocked: bool = False
    billing_blocked: bool = False
    marked_for_deletion: bool = False
    sales_areas: list[SalesArea] = []
    company_codes: list[CompanyCodeData] = []


class CreditStanding(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a customer may still owe. Amounts are in the credit segment's currency.

    `exposure` is absent where the ERP publishes none; the decision then comes from an order simulation.
    """

    erp_number: Id
    limit: Money
    exposure: Money | None = None
    available: Money | None = None
    blocked: bool = False
    risk_class: str = ""
