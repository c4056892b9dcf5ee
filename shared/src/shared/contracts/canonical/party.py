"""Customers and the people who work there."""

from typing import Annotated, Literal

import msgspec

from shared.contracts.canonical.values import Address, CurrencyCode, Id, Money, Name, ShortText
from shared.security.sensitive import Sensitive

PartnerFunction = Literal["sold-to", "ship-to", "bill-to", "payer"]
Likeness = Literal["tax-number", "name-and-postal-code"]
ErpReference = Annotated[str, msgspec.Meta(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]*$")]
"""Another system's key of a customer, no longer than the shortest ERP field for it."""
OrganizationCode = Annotated[str, msgspec.Meta(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9_\-]+$")]


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
    CRM id of the company above it in the hierarchy. `legal_name` is absent where it is the name. `order_blocked`
    is what the CRM was told last of the ERP's taking orders.
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
    legal_name: Name = ""
    tax_number: Sensitive[ShortText] = ""
    order_blocked: bool = False


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
    tax_number: Sensitive[ShortText] = ""
    parent_erp_number: Id | None = None
    order_blocked: bool = False
    delivery_blocked: bool = False
    billing_blocked: bool = False
    marked_for_deletion: bool = False
    sales_areas: list[SalesArea] = []
    company_codes: list[CompanyCodeData] = []


class SalesAreaKey(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the seller's organisation that sells: organisation, channel and division."""

    organization: OrganizationCode
    channel: OrganizationCode
    division: OrganizationCode


class NewErpCustomer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A company to be entered in the ERP.

    `reference` is its key in the system it comes from and makes a repeat find the first. What is left out of
    `sales_areas`, `company_code` and `payment_terms` is as the ERP connector is configured.
    """

    reference: ErpReference
    name: Name
    currency: CurrencyCode
    address: Address
    tax_number: Sensitive[ShortText] = ""
    email: Sensitive[ShortText] = ""
    phone: Sensitive[ShortText] = ""
    parent_erp_number: Id | None = None
    sales_areas: list[SalesAreaKey] = []
    company_code: OrganizationCode | None = None
    payment_terms: OrganizationCode | None = None


class NewDeliveryPlace(msgspec.Struct, frozen=True, rename="camel"):
    """A further place that goods for a customer go to.

    `reference` is the customer's own, a hyphen and what tells its places apart; it makes a repeat find the first.
    """

    reference: ErpReference
    name: Name
    address: Address


class CustomerDescription(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is known of a company that may be in the ERP under another key than `reference`."""

    reference: ErpReference
    name: Name
    address: Address
    tax_number: Sensitive[ShortText] = ""


class SimilarCustomer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A customer of the ERP that may be the company described, and what they have in common."""

    erp_number: Id
    name: Name
    alike: list[Likeness]


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
