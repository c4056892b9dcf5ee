"""Customers read as one: the account, the party it is of, its profile, and the company above it."""

import asyncio
import re
import unicodedata

from shared.binding.problems import BackendFault
from shared.contracts.canonical.likeness import Candidate, comparable_name, similar
from shared.contracts.canonical.party import CreditStanding, CustomerDescription, ErpCustomer, SimilarCustomer
from shared.contracts.system.erp import ErpCustomerNotFound
from system_apis.oracle.accounts import Account, Accounts
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.customer_translator import credit_standing, customer, parent_of
from system_apis.oracle.parties import Parties, PartyRow

_WORD = re.compile(r"[^\W_]+")


class Customers:
    """Reads customers.

    Args:
        oracle: The pod.
        accounts: Its accounts.
        parties: Its parties.
    """

    def __init__(self, oracle: OracleConnector, accounts: Accounts, parties: Parties) -> None:
        self._settings = oracle.settings
        self._accounts = accounts
        self._parties = parties

    async def get(self, number: str) -> ErpCustomer:
        """Three calls, the last two at once; another for the company above.

        Raises:
            ErpCustomerNotFound: There is no such account.
        """
        return await self.of(await self._accounts.of(number))

    async def of(self, account: Account) -> ErpCustomer:
        """The customer that an account is."""
        party, profile = await asyncio.gather(
            self._parties.of(account.party_id), self._accounts.profile(account.number)
        )
        if party is None:
            raise BackendFault(f"Oracle does not show the party of customer {account.number}; check our roles.")
        return customer(account, party, profile, await self._parent(party), self._settings)

    async def credit(self, number: str) -> CreditStanding:
        """Limit and availability.

        Raises:
            ErpCustomerNotFound: There is no such account, or no credit is managed for it.
        """
        account = await self._accounts.of(number)
        profile, credit = await asyncio.gather(self._accounts.profile(number), self._accounts.credit(number))
        standing = credit_standing(account.number, profile, credit) if profile is not None else None
        if standing is None:
            raise ErpCustomerNotFound(f"Oracle manages no credit of customer {number}: its profile has no limit.")
        return standing

    async def similar(self, description: CustomerDescription) -> list[SimilarCustomer]:
        """Two calls: parties that are alike, and their accounts in use."""
        parties = await self._parties.alike(_longest_word(description.name), description.tax_number.strip())
        by_id = {one.PartyId: one for one in parties}
        accounts = await self._accounts.of_parties(by_id)
        return similar(
            description,
            [
                _candidate(one, by_id[one.party_id])
                for one in accounts
                if one.active and one.reference.casefold() != description.reference.casefold()
            ],
        )

    async def _parent(self, party: PartyRow) -> str | None:
        above = parent_of(party, self._settings)
        found = await self._accounts.of_parties([above]) if above is not None else []
        return next((one.number for one in sorted(found, key=lambda one: not one.active)), None)


def _candidate(account: Account, party: PartyRow) -> Candidate:
    places = tuple((row.PostalCode or "", row.Country or "") for row in party.Address.items)
    return Candidate(account.number, party.OrganizationName or "", party.TaxpayerIdentificationNumber or "", places)


def _longest_word(name: str) -> str:
    """The word to look a name up by: the longest that is no legal form, as it is written."""
    words = _WORD.findall(unicodedata.normalize("NFC", name))
    telling = [one for one in words if comparable_name(f"x {one}") != "x"]
    return max(telling or words, key=len, default="")
