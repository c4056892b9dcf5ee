"""Customers and contacts."""

from sandboxes.netsuite.schema.countries import COUNTRIES
from sandboxes.netsuite.schema.model import Field, RecordType, boolean, moment, number, reference, select, string

ADDRESS_ENTRY = "addressBook"
"""What references to an entry of the customer's address book name: it is no record of its own."""
CREDIT_HOLDS = {"AUTO": "Auto", "ON": "On", "OFF": "Off"}

ADDRESS = Field(
    "addressBookAddress",
    "subrecord",
    inner=(
        string("addressee", 83),
        string("attention", 83),
        string("addr1", 150),
        string("addr2", 150),
        string("addr3", 150),
        string("city", 50),
        string("state", 50),
        string("zip", 36),
        select("country", COUNTRIES),
        string("addrPhone", 22),
        string("addrText", fixed=True),
        boolean("override"),
    ),
    soap="addressbookAddress",
)

ADDRESS_BOOK = Field(
    "addressBook",
    "sublist",
    inner=(
        Field("id", "integer", fixed=True, soap="internalId"),
        string("label", 150),
        boolean("defaultBilling"),
        boolean("defaultShipping"),
        boolean("isResidential"),
        ADDRESS,
    ),
    key=("id",),
    soap="addressbook",
)

CUSTOMER = RecordType(
    "customer",
    "Customer",
    "entity",
    (
        string("entityId", 83),
        string("externalId", 80),
        boolean("isPerson"),
        string("companyName", 83),
        string("firstName", 32),
        string("lastName", 32),
        string("email", 254),
        string("phone", 22),
        string("url", 100),
        string("vatRegNumber", 20),
        string("comments", 4000),
        boolean("isInactive"),
        reference("parent", "customer"),
        reference("subsidiary", "subsidiary"),
        reference("currency", "currency"),
        reference("terms", "term"),
        reference("priceLevel", "priceLevel"),
        reference("salesRep", "employee"),
        reference("taxItem", "salesTaxItem"),
        number("creditLimit"),
        select("creditHoldOverride", CREDIT_HOLDS),
        number("balance", fixed=True),
        number("unbilledOrders", fixed=True),
        moment("dateCreated"),
        moment("lastModifiedDate"),
        ADDRESS_BOOK,
    ),
    shown="companyName",
    package=("relationships", "lists"),
    code="CustJob",
)

CONTACT = RecordType(
    "contact",
    "Contact",
    "entity",
    (
        string("entityId", 83),
        string("externalId", 80),
        string("firstName", 32),
        string("lastName", 32),
        string("title", 99),
        string("email", 254),
        string("phone", 22),
        boolean("isInactive"),
        reference("company", "customer"),
        reference("subsidiary", "subsidiary"),
        moment("dateCreated"),
        moment("lastModifiedDate"),
    ),
    shown="entityId",
    package=("relationships", "lists"),
    code="Contact",
)

ENTITIES = (CUSTOMER, CONTACT)
