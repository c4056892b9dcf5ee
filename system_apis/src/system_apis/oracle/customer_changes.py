"""Entering customers and delivery places so that a repeat finds what the first try did, and taking them out of use.

Every record is made under a key of ours that Oracle takes only once. So each step looks, makes, and looks again when
it is refused; a try that broke off is continued by the next one where it stopped.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from shared.binding.problems import BackendFault, FieldError
from shared.contracts.canonical.party import NewDeliveryPlace, NewErpCustomer, Partner
from shared.contracts.system.erp import ErpCustomerNotFound, ErpCustomerRejected
from system_apis.oracle.accounts import Account, Accounts
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.customer_body import account_body, address_body, check, party_body, place_body, profile_body
from system_apis.oracle.customer_translator import place as delivery_place
from system_apis.oracle.parties import AddressRow, Parties, PartyRow
from system_apis.oracle.soap import Tree

_Row = TypeVar("_Row")


class CustomerChanges:
    """Writes customers.

    Args:
        oracle: The pod.
        accounts: Its accounts.
        parties: Its parties.
    """

    def __init__(self, oracle: OracleConnector, accounts: Accounts, parties: Parties) -> None:
        self._settings = oracle.settings
        self._accounts = accounts
        self._parties = parties

    async def enter(self, customer: NewErpCustomer) -> Account:
        """The account of this reference: the one there is, or a new one with party and profile.

        Raises:
            ErpCustomerRejected: Oracle refused it, or would.
        """
        reference = customer.reference
        account = await _once(lambda: self._accounts.with_reference(reference), lambda: self._make(customer))
        if await self._accounts.profile(account.number) is None:
            await self._add_profile(account.number, customer)
        return account

    async def add_place(self, number: str, place: NewDeliveryPlace) -> Partner:
        """The delivery place of this reference, made if need be and used in the customer's account.

        Raises:
            ErpCustomerNotFound: There is no such customer.
            ErpCustomerRejected: As `enter`.
        """
        account = await self._accounts.of(number)
        check(place, self._settings)
        party = await self._party(account)

        async def known() -> AddressRow | None:
            return _place_with(await self._party(account), place.reference)

        async def made() -> AddressRow:
            body = address_body(place.address, place.name, self._settings, place.reference)
            return await self._parties.add_address(party.PartyNumber, body)

        row = _place_with(party, place.reference) or await _once(known, made)
        await self._use(account, row.AddressId, place.reference)
        return delivery_place(row, place.name)

    async def take_out(self, number: str) -> None:
        """End an account with its sites, and free its references and those of its delivery places.

        Raises:
            ErpCustomerNotFound: There is no such customer.
        """
        account = await self._accounts.of(number)
        party, today = await self._party(account), datetime.now(UTC).date().isoformat()
        references = [one for one in (account.reference, *(site.reference for site in account.sites)) if one]
        references = [one.partition("~")[0] for one in references]
        await self._parties.free(party, references, today)
        ended: Tree = {
            "CustomerAccountId": account.id,
            "Status": "I",
            "AccountTerminationDate": today,
            "OrigSystemReference": _ended(account.reference, number),
            "CustomerAccountSite": [
                {
                    "CustomerAccountSiteId": site.id,
                    "Status": "I",
                    "OrigSystemReference": _ended(site.reference, number),
                }
                for site in account.sites
            ],
        }
        try:
            await self._accounts.merge(ended)
        except ErpCustomerRejected as refused:
            raise BackendFault(
                f"Oracle does not let customer {number} be taken out of use.", extensions=refused.extensions
            ) from None

    async def _make(self, customer: NewErpCustomer) -> Account:
        check(customer, self._settings)
        parent = await self._parent(customer.parent_erp_number)
        system, reference = self._settings.source_system, customer.reference
        party = await _once(
            lambda: self._parties.with_reference(system, reference),
            lambda: self._parties.add(party_body(customer, parent, self._settings)),
        )
        if not party.Address.items:
            raise BackendFault(f"Oracle's party {party.PartyNumber} has no address; give it one.")
        address = party.Address.items[0].AddressId
        return await self._accounts.merge(account_body(customer, party.PartyId, address, self._settings))

    async def _parent(self, number: str | None) -> int | None:
        """The party of the company above."""
        if number is None:
            return None
        try:
            return (await self._accounts.of(number)).party_id
        except ErpCustomerNotFound:
            error = FieldError(f"Oracle has no customer {number}.", "/parentErpNumber")
            raise ErpCustomerRejected("The company above is not in Oracle; enter it first.", errors=[error]) from None

    async def _add_profile(self, number: str, customer: NewErpCustomer) -> None:
        try:
            await self._accounts.add_profile(profile_body(number, customer, self._settings))
        except ErpCustomerRejected:
            if await self._accounts.profile(number) is None:
                raise

    async def _use(self, account: Account, place: int, reference: str) -> None:
        """Have the account deliver to an address of its party."""
        if any(site.party_site_id == place for site in account.sites):
            return
        try:
            await self._accounts.merge(place_body(account.id, place, reference, self._settings))
        except ErpCustomerRejected:
            now = await self._accounts.of(account.number)
            if not any(site.party_site_id == place for site in now.sites):
                raise

    async def _party(self, account: Account) -> PartyRow:
        party = await self._parties.of(account.party_id)
        if party is None:
            raise BackendFault(f"Oracle does not show the party of customer {account.number}; check our roles.")
        return party


async def _once(find: Callable[[], Awaitable[_Row | None]], make: Callable[[], Awaitable[_Row]]) -> _Row:
    """What is there, or what is made; refused because somebody was faster, what is there then."""
    found = await find()
    if found is not None:
        return found
    try:
        return await make()
    except ErpCustomerRejected:
        found = await find()
        if found is None:
            raise
        return found


def _place_with(party: PartyRow, reference: str) -> AddressRow | None:
    rows = party.Address.items
    return next((one for one in rows if one.SourceSystemReferenceValue == reference and one.Status != "I"), None)


def _ended(reference: str, number: str) -> str | None:
    """A reference that is no longer ours to find; None leaves it as it is."""
    return f"{reference}~{number}" if reference and "~" not in reference else None
