"""hubOrganizations and hubPersons (crmRestApi): parties, their addresses, relationships and keys elsewhere.

Source: REST API for CX Sales, "Hub Organizations" and "Hub Persons". A party cannot be deleted by a client of sales.
"""

from collections.abc import Iterator

from sandboxes.company import Address, Customer, company
from sandboxes.oracle.area import Area
from sandboxes.oracle.areas.master import account_id, party_id
from sandboxes.oracle.framework.behaviours import store
from sandboxes.oracle.framework.declare import Behaviour, Field, Node, Resource, Row, Work, fields
from sandboxes.oracle.framework.problems import refuse

SOURCE_SYSTEMS = frozenset({"TRIPTYCH", "LEGACY", "SFDC"})
"""Registered source systems (Manage Trading Community Source Systems)."""

HIERARCHY = "SUBSIDIARY_OF"
_RELATIONSHIPS = frozenset({HIERARCHY, "PARENT_OF", "CONTACT_OF"})
_FIRST = 300_000_005_000_000


def _fresh(work: Work) -> int:
    return work.records.next_number("trading community", _FIRST)


def _add_reference(work: Work, resource: Resource, parent: Row | None, node: Node) -> Row:
    """One key in one source system belongs to one party, as long as it is active."""
    values = node.values
    if values.get("SourceSystem") not in SOURCE_SYSTEMS:
        raise refuse(400, "The source system isn't registered.", "HZ_API_INVALID_ORIG_SYSTEM", "/SourceSystem")
    taken = work.records.find(
        resource,
        SourceSystem=values["SourceSystem"],
        SourceSystemReferenceValue=values.get("SourceSystemReferenceValue"),
        Status="A",
    )
    if taken:
        text = "The source system reference already exists for another party."
        raise refuse(400, text, "HZ_API_DUPLICATE_ORIG_SYS_REF", "/SourceSystemReferenceValue")
    row = {**values, "SourceSystemReferenceId": _fresh(work), "StartDate": work.today}
    return work.records.add(resource, row, parent["@id"] if parent else None)


def _add_address(work: Work, resource: Resource, parent: Row | None, node: Node) -> Row:
    country = str(node.values.get("Country") or "")
    if len(country) != 2 or not country.isupper():  # noqa: PLR2004 - ISO 3166 alpha-2
        raise refuse(400, "The country isn't valid.", "HZ_API_INVALID_COUNTRY_CODE", "/Country")
    key = node.values.get("SourceSystemReferenceValue")
    if key and work.records.find(resource, SourceSystemReferenceValue=key, Status="A"):
        text = "The source system reference already exists for another address."
        raise refuse(400, text, "HZ_API_DUPLICATE_ORIG_SYS_REF", "/SourceSystemReferenceValue")
    first = parent is not None and not work.records.below(resource, parent)
    identity = _fresh(work)
    own: Row = {"AddressId": identity, "AddressNumber": node.values.get("AddressNumber") or str(identity)}
    row = {**node.values, **own, "PrimaryFlag": bool(node.values.get("PrimaryFlag")) or first}
    return work.records.add(resource, row, parent["@id"] if parent else None)


def _relate(work: Work, resource: Resource, parent: Row | None, node: Node) -> Row:
    code = node.values.get("RelationshipCode")
    if code not in _RELATIONSHIPS:
        raise refuse(400, "The relationship code isn't valid.", "HZ_API_INVALID_RELATIONSHIP", "/RelationshipCode")
    if work.records.get(ORGANIZATIONS, PartyId=node.values.get("ObjectPartyId")) is None:
        raise refuse(400, "The object party doesn't exist.", "HZ_API_INVALID_PARTY", "/ObjectPartyId")
    own: Row = {"RelationshipRecId": _fresh(work), "SubjectPartyId": parent["PartyId"] if parent else None}
    return work.records.add(resource, {**node.values, **own}, parent["@id"] if parent else None)


def _add_party(work: Work, resource: Resource, parent: Row | None, node: Node) -> Row:
    del parent
    if resource is ORGANIZATIONS and not str(node.values.get("OrganizationName") or "").strip():
        raise refuse(400, "You must enter an organization name.", "HZ_API_MISSING_COLUMN", "/OrganizationName")
    identity = _fresh(work)
    number = str(node.values.get("PartyNumber") or f"CDRM_{identity - _FIRST + 1}")
    if work.records.find(resource, PartyNumber=number):
        raise refuse(400, "The party number already exists.", "HZ_API_DUPLICATE_PARTY_NUMBER", "/PartyNumber")
    own: Row = {"PartyId": identity, "PartyNumber": number, "CreationDate": work.stamp, "CreatedBy": work.user}
    row = work.records.add(resource, {**node.values, **own})
    for name, below in node.children.items():
        child = resource.below[name]
        for one in below:
            if child.behaviour.create is not None:
                child.behaviour.create(work, child, row, one)
    return row


_ADDRESS_FIELDS = (
    Field("AddressId", "integer", writable=False),
    Field("AddressNumber", longest=30, updatable=False),
    Field("PartySiteName", longest=240),
    Field("Address1", longest=240),
    Field("Address2", longest=240),
    Field("HouseNumber", longest=240),
    Field("City", longest=60),
    Field("State", longest=60),
    Field("PostalCode", longest=60),
    Field("Country", required=True, longest=2),
    Field("PrimaryFlag", "boolean", default=False),
    Field("Status", default="A", longest=1),
    Field("SourceSystem", longest=30),
    Field("SourceSystemReferenceValue", longest=255),
    Field("CreatedByModule", default="HZ_WS", longest=30),
)
_ADDRESS, _HOME = (
    Resource(
        name="Address",
        table=f"{owner}.Address",
        fields=_ADDRESS_FIELDS,
        key="AddressNumber",
        behaviour=Behaviour(create=_add_address, update=store),
    )
    for owner in ("hubOrganizations", "hubPersons")
)
_RELATIONSHIP = Resource(
    name="Relationship",
    table="hubOrganizations.Relationship",
    fields=(
        Field("RelationshipRecId", "integer", writable=False),
        Field("SubjectPartyId", "integer", writable=False),
        Field("ObjectPartyId", "integer", required=True),
        Field("RelationshipCode", required=True, longest=30),
        Field("Status", default="A", longest=1),
        Field("CreatedByModule", default="HZ_WS", longest=30),
    ),
    key="RelationshipRecId",
    behaviour=Behaviour(create=_relate, update=store),
)
_REFERENCE = Resource(
    name="SourceSystemReference",
    table="hubOrganizations.SourceSystemReference",
    fields=(
        Field("SourceSystemReferenceId", "integer", writable=False),
        Field("SourceSystem", required=True, updatable=False, longest=30),
        Field("SourceSystemReferenceValue", required=True, updatable=False, longest=255),
        Field("Status", default="A", longest=1),
        Field("StartDate", "date", writable=False),
        Field("EndDate", "date"),
        Field("CreatedByModule", default="HZ_WS", longest=30),
    ),
    key="SourceSystemReferenceId",
    behaviour=Behaviour(create=_add_reference, update=store),
)
ORGANIZATIONS = Resource(
    name="hubOrganizations",
    table="hubOrganizations",
    fields=(
        Field("PartyId", "integer", writable=False),
        Field("PartyNumber", longest=30, updatable=False),
        Field("OrganizationName", required=True, longest=360),
        Field("TaxpayerIdentificationNumber", longest=50),
        Field("EmailAddress", longest=320),
        Field("RawPhoneNumber", longest=60),
        Field("URL", longest=2000),
        Field("CurrencyCode", longest=15),
        Field("Status", default="A", longest=1),
        Field("PartyUsageCode", longest=30),
        Field("CreatedByModule", default="HZ_WS", longest=30),
        *fields("CreatedBy", writable=False),
        *fields("CreationDate", "datetime", writable=False),
    ),
    key="PartyNumber",
    finders={"PartyIdFinder": ("PartyId",)},
    children=(_ADDRESS, _RELATIONSHIP, _REFERENCE),
    behaviour=Behaviour(create=_add_party, update=store),
)
_PERSONS = Resource(
    name="hubPersons",
    table="hubPersons",
    fields=(
        Field("PartyId", "integer", writable=False),
        Field("PartyNumber", longest=30, updatable=False),
        Field("FirstName", longest=150),
        Field("LastName", required=True, longest=150),
        Field("JobTitle", longest=100),
        Field("EmailAddress", longest=320),
        Field("RawPhoneNumber", longest=60),
        Field("Status", default="A", longest=1),
        Field("CreatedByModule", default="HZ_WS", longest=30),
        *fields("CreatedBy", writable=False),
        *fields("CreationDate", "datetime", writable=False),
    ),
    key="PartyNumber",
    children=(_HOME,),
    behaviour=Behaviour(create=_add_party, update=store),
)


def party_of(work: Work, party: int) -> tuple[Row, str] | None:
    """The company or person with this id, and the name of either."""
    if (found := work.records.get(ORGANIZATIONS, PartyId=party)) is not None:
        return found, str(found["OrganizationName"])
    if (found := work.records.get(_PERSONS, PartyId=party)) is not None:
        return found, " ".join(str(found[name]) for name in ("FirstName", "LastName") if found[name])
    return None


def addresses_of(work: Work, party: int) -> list[Row]:
    """The addresses of a company or person."""
    for resource in (ORGANIZATIONS, _PERSONS):
        if (owner := work.records.get(resource, PartyId=party)) is not None:
            return work.records.below(resource.below["Address"], owner)
    return []


def address_of(work: Work, party: int, address: int) -> Row | None:
    """The address of a party with this id."""
    return next((one for one in addresses_of(work, party) if one["AddressId"] == address), None)


def _seed(work: Work) -> None:
    firm = company()
    numbers = {one.number: party_id(one) for one in firm.customers}
    for customer in firm.customers:
        row = work.records.add(ORGANIZATIONS, _organization(work, customer))
        for address in _addresses(work, customer):
            work.records.add(_ADDRESS, address, row["@id"])
        if customer.parent:
            link: Row = {"SubjectPartyId": numbers[customer.number], "ObjectPartyId": numbers[customer.parent]}
            own: Row = {"RelationshipRecId": _fresh(work), "RelationshipCode": HIERARCHY, "Status": "A"}
            work.records.add(_RELATIONSHIP, {**link, **own, "CreatedByModule": "HZ_IMPORT"}, row["@id"])
        for contact in customer.contacts:
            work.records.add(
                _PERSONS,
                {
                    "PartyId": _fresh(work), "PartyNumber": f"C{contact.number}", "FirstName": contact.first_name,
                    "LastName": contact.last_name, "JobTitle": contact.title, "EmailAddress": contact.email,
                    "RawPhoneNumber": contact.phone, "Status": "A", "CreatedBy": work.user,
                    "CreationDate": work.stamp,
                },
            )  # fmt: skip


def _organization(work: Work, customer: Customer) -> Row:
    return {
        "PartyId": party_id(customer),
        "PartyNumber": f"P{customer.sap_customer}",
        "OrganizationName": customer.legal_name,
        "TaxpayerIdentificationNumber": customer.tax_number,
        "RawPhoneNumber": customer.phone,
        "URL": customer.website,
        "CurrencyCode": customer.currency,
        "Status": "A",
        "PartyUsageCode": "CUSTOMER",
        "CreatedByModule": "HZ_IMPORT",
        "CreatedBy": work.user,
        "CreationDate": work.stamp,
    }


def _addresses(work: Work, customer: Customer) -> Iterator[Row]:
    """Those of the master table's sites, under the same ids."""
    sites = work.records.connection.execute(
        "SELECT party_site_id, site_number, name FROM hz_site WHERE account_id = ? ORDER BY site_use_id",
        (account_id(customer),),
    )
    places = [customer.billing, *(one.address for one in customer.ship_to)]
    for place, (identity, number, name), address in zip(range(len(places)), sites, places, strict=True):
        own: Row = {"AddressId": identity, "AddressNumber": number, "PartySiteName": name, "PrimaryFlag": place == 0}
        yield {**own, **_location(address), "Status": "A", "CreatedByModule": "HZ_IMPORT"}


def _location(address: Address) -> Row:
    return {
        "Address1": address.street,
        "HouseNumber": address.house_number,
        "City": address.city,
        "State": address.region,
        "PostalCode": address.postal_code,
        "Country": address.country,
    }


def _ledger(work: Work) -> dict[str, object]:
    shown = ("PartyId", "PartyNumber", "OrganizationName")
    made = work.records.select(ORGANIZATIONS, '"CreatedBy" <> ?', ["MIGRATION"])
    return {"parties": [{name: row[name] for name in shown} for row in made]}


area = Area(name="parties", resources={"crmRestApi": (ORGANIZATIONS, _PERSONS)}, seed=_seed, order=20, ledger=_ledger)
