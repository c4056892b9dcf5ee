"""Parties (hubOrganizations): companies with their addresses and relationships.

Source: REST API for CX Sales and Fusion Service, "Hub Organizations".
"""

import msgspec

from shared.contracts.system.erp import ErpCustomerRejected
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.rest import Collection, Part, address, any_of, literal, segment

Text = str | None
_CHILDREN = "Address,Relationship,SourceSystemReference"
_MOST_ALIKE = 100


class AddressRow(msgspec.Struct, frozen=True):
    """An address of a party; its id is the party site's."""

    AddressId: int
    AddressNumber: str
    PartySiteName: Text = ""
    Address1: Text = ""
    HouseNumber: Text = ""
    City: Text = ""
    State: Text = ""
    PostalCode: Text = ""
    Country: Text = ""
    PrimaryFlag: bool | str | None = False
    Status: Text = "A"
    SourceSystemReferenceValue: Text = ""


class RelationshipRow(msgspec.Struct, frozen=True):
    """How a party (the subject) stands to another; a party shows those in which it is either."""

    SubjectPartyId: int
    ObjectPartyId: int
    RelationshipCode: Text = ""
    Status: Text = "A"


class ReferenceRow(msgspec.Struct, frozen=True):
    """The key of a party in another system."""

    SourceSystemReferenceId: int
    SourceSystem: Text = ""
    SourceSystemReferenceValue: Text = ""
    Status: Text = "A"


class PartyRow(msgspec.Struct, frozen=True):
    """A company, or a person made one: who buys for himself is a party too."""

    PartyId: int
    PartyNumber: str
    OrganizationName: Text = ""
    TaxpayerIdentificationNumber: Text = ""
    Address: Collection[AddressRow] = Collection()
    Relationship: Collection[RelationshipRow] = Collection()
    SourceSystemReference: Collection[ReferenceRow] = Collection()


class PersonRow(msgspec.Struct, frozen=True):
    """A person who buys for himself."""

    PartyId: int
    PartyNumber: str
    FirstName: Text = ""
    LastName: Text = ""
    Address: Collection[AddressRow] = Collection()


class NewParty(msgspec.Struct, frozen=True, omit_defaults=True):
    """A company to be entered, with its first address."""

    OrganizationName: str
    CreatedByModule: str
    SourceSystemReference: list[dict[str, str]]
    Address: list[dict[str, str | bool]]
    PartyUsageCode: str = "CUSTOMER"
    TaxpayerIdentificationNumber: str = ""
    EmailAddress: str = ""
    RawPhoneNumber: str = ""
    CurrencyCode: str = ""
    Relationship: list[dict[str, str | int]] = []


class Parties:
    """Reads and writes parties.

    Args:
        oracle: The pod.
    """

    def __init__(self, oracle: OracleConnector) -> None:
        self._oracle = oracle
        self._root = oracle.settings.crm_path
        self._path = f"{self._root}/hubOrganizations"

    async def of(self, party_id: int) -> PartyRow | None:
        """A company with everything below it, its addresses to the last; another call finds a person."""
        found = await self._rows(f"PartyId={party_id}", most=1, expand=_CHILDREN)
        return await self._whole(found[0]) if found else await self._person(party_id)

    async def with_reference(self, system: str, reference: str) -> PartyRow | None:
        """The party that was made under a key of ours and still has it."""
        name = "SourceSystemReference.SourceSystemReferenceValue"
        found = await self._rows(f"{name}={literal(reference)}", most=20, expand=_CHILDREN)
        return next((one for one in found if _has(one, system, reference)), None)

    async def alike(self, word: str, tax_number: str) -> list[PartyRow]:
        """Parties whose name has this word in it, or that have this tax number; with their addresses."""
        conditions = [f"UPPER(OrganizationName) LIKE {literal(f'%{word.upper()}%')}"] if word else []
        conditions += [any_of("TaxpayerIdentificationNumber", [tax_number])] if tax_number else []
        return await self._rows(" or ".join(conditions), most=_MOST_ALIKE, expand="Address") if conditions else []

    async def add(self, party: NewParty) -> PartyRow:
        """Enter a party. Its key is taken once, so a repeat is refused and harmless.

        Raises:
            ErpCustomerRejected: A rule of Oracle's refused it, also that its key is taken.
        """
        return await self._oracle.create(
            self._path, party, PartyRow, "create_party", refusal=ErpCustomerRejected, repeatable=True
        )

    async def add_address(self, number: str, body: dict[str, str | bool]) -> AddressRow:
        """Add an address to a party; as `add`."""
        path = f"{self._path}/{segment(number)}/child/Address"
        return await self._oracle.create(
            path, body, AddressRow, "create_address", refusal=ErpCustomerRejected, repeatable=True
        )

    async def free(self, party: PartyRow, references: list[str], today: str) -> None:
        """End our keys of a party, and take the addresses of these keys out of use; all of it or nothing."""
        own = f"/hubOrganizations/{segment(party.PartyNumber)}/child"
        ended = {"Status": "I", "EndDate": today}
        paths = [
            (f"{own}/SourceSystemReference/{one.SourceSystemReferenceId}", ended)
            for one in party.SourceSystemReference.items
            if one.Status == "A" and one.SourceSystemReferenceValue in references
        ]
        paths += [
            (f"{own}/Address/{segment(one.AddressNumber)}", {"Status": "I"})
            for one in party.Address.items
            if one.Status == "A" and one.SourceSystemReferenceValue in references
        ]
        parts = [Part(str(place), path, "update", body) for place, (path, body) in enumerate(paths, 1)]
        if parts:
            await self._oracle.batch(self._root, parts, "block_customer")

    async def _whole(self, party: PartyRow) -> PartyRow:
        """The party with the addresses and relationships that did not fit on the first page."""
        own = f"{self._path}/{segment(party.PartyNumber)}/child"
        if party.Address.hasMore:
            path = address(f"{own}/Address", orderBy="AddressId", onlyData=True)
            rows = [one async for one in self._oracle.pages(path, AddressRow, "get_customer")]
            party = msgspec.structs.replace(party, Address=Collection(rows))
        if party.Relationship.hasMore:
            path = address(f"{own}/Relationship", orderBy="RelationshipRecId", onlyData=True)
            links = [one async for one in self._oracle.pages(path, RelationshipRow, "get_customer")]
            party = msgspec.structs.replace(party, Relationship=Collection(links))
        return party

    async def _person(self, party_id: int) -> PartyRow | None:
        path = address(f"{self._root}/hubPersons", q=f"PartyId={party_id}", expand="Address", onlyData=True, limit=1)
        found = await self._oracle.rows(path, PersonRow, "get_customer")
        if not found:
            return None
        one = found[0]
        name = " ".join(filter(None, (one.FirstName, one.LastName)))
        return PartyRow(one.PartyId, one.PartyNumber, name, Address=one.Address)

    async def _rows(self, condition: str, *, most: int, expand: str) -> list[PartyRow]:
        path = address(self._path, q=condition, expand=expand, onlyData=True, limit=most)
        return await self._oracle.rows(path, PartyRow, "find_party")


def _has(party: PartyRow, system: str, reference: str) -> bool:
    return any(
        (one.SourceSystem, one.SourceSystemReferenceValue, one.Status) == (system, reference, "A")
        for one in party.SourceSystemReference.items
    )
