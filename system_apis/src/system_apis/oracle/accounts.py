"""Customer accounts, their sites and profiles, over the SOAP services that keep them.

Source: SOAP Web Services for Oracle CX Sales, "Customer Account"; "Usage Notes for Receivables Customer Profile
Service"; Oracle Receivables, "Credit Checking Service".
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element

import msgspec

from shared.binding.problems import BackendFault
from shared.contracts.system.erp import ErpCustomerNotFound, ErpCustomerRejected
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.soap import Service, Tree, call, criteria, records, text

_PARTIES = "http://xmlns.oracle.com/apps/cdm/foundation/parties/customerAccountService/"
_RECEIVABLES = "http://xmlns.oracle.com/apps/financials/receivables/"
_PROFILES = f"{_RECEIVABLES}customers/customerProfileService/"
_CREDIT = f"{_RECEIVABLES}creditManagement/creditChecking/creditCheckingService/"
_INACTIVE = "I"
_YES = frozenset({"Y", "TRUE", "1"})
BILL_TO, SHIP_TO = "BILL_TO", "SHIP_TO"


class SiteUse(msgspec.Struct, frozen=True):
    """What a site of an account is used for; orders name its id."""

    id: int
    purpose: str
    primary: bool = False


class Site(msgspec.Struct, frozen=True):
    """An address in an account; `party_site_id` is the address's own id among those of the party."""

    id: int
    party_site_id: int
    active: bool = True
    reference: str = ""
    uses: tuple[SiteUse, ...] = ()

    def use(self, purpose: str) -> SiteUse | None:
        """The use of this purpose, if it has it."""
        return next((one for one in self.uses if one.purpose == purpose), None)


class Account(msgspec.Struct, frozen=True):
    """A customer account; `number` is the company-wide customer number."""

    id: int
    number: str
    party_id: int
    name: str = ""
    active: bool = True
    reference: str = ""
    sites: tuple[Site, ...] = ()

    def sites_for(self, purpose: str) -> list[tuple[Site, SiteUse]]:
        """Its active sites of a purpose, the primary one first."""
        found = [(site, use) for site in self.sites if site.active and (use := site.use(purpose)) is not None]
        return sorted(found, key=lambda pair: not pair[1].primary)


class Profile(msgspec.Struct, frozen=True):
    """How credit is given to an account; None where nobody set a limit."""

    on_hold: bool = False
    limit: Decimal | None = None
    currency: str = ""
    payment_terms: str = ""
    risk: str = ""


class Credit(msgspec.Struct, frozen=True):
    """What the credit check says: how much may still be owed, and in which currency; None where nothing limits it."""

    available: Decimal | None
    currency: str = ""


class Accounts:
    """Reads and writes customer accounts.

    Args:
        oracle: The pod.
    """

    def __init__(self, oracle: OracleConnector) -> None:
        settings = oracle.settings
        self._backend = oracle.backend
        self._accounts = Service(settings.account_service, f"{_PARTIES}applicationModule/types/", _PARTIES)
        self._profiles = Service(settings.profile_service, f"{_PROFILES}types/", _PROFILES)
        self._credit = Service(settings.credit_service, f"{_CREDIT}types/", _CREDIT)

    async def of(self, number: str) -> Account:
        """The account of this customer number.

        Raises:
            ErpCustomerNotFound: There is none.
        """
        found = await self.find([("AccountNumber", "=", number)])
        if not found:
            raise ErpCustomerNotFound(f"Oracle has no customer {number}.")
        return found[0]

    async def with_reference(self, reference: str) -> Account | None:
        """The account that was made under a key of ours."""
        found = await self.find([("OrigSystemReference", "=", reference)])
        return found[0] if found else None

    async def of_parties(self, parties: Iterable[int]) -> list[Account]:
        """The accounts of parties."""
        conditions = [("PartyId", "=", str(one)) for one in parties]
        return await self.find(conditions, most=-1, either=True) if conditions else []

    async def find(
        self, conditions: list[tuple[str, str, str]], *, most: int = 1, either: bool = False
    ) -> list[Account]:
        """Accounts that meet all conditions, or either of them: attribute, operator, value."""
        wanted = criteria(conditions, most, either=either)
        results = await call(self._backend, self._accounts, "findCustomerAccount", wanted, repeatable=True)
        return [_account(one) for result in results for one in result.findall("Value")]

    async def merge(self, account: Tree) -> Account:
        """Create an account (without `CustomerAccountId`) or change it, level by level.

        What is created has a key of ours, which Oracle takes once, so a repeat is harmless.

        Raises:
            ErpCustomerRejected: A rule of Oracle's refused it, also that its key is taken.
        """
        arguments = f"<o:customerAccount>{records(account)}</o:customerAccount>"
        results = await call(
            self._backend,
            self._accounts,
            "mergeCustomerAccount",
            arguments,
            refusal=ErpCustomerRejected,
            repeatable=True,
        )
        merged = [_account(one) for result in results for one in result.findall("Value")]
        if not merged:
            raise BackendFault("Oracle did not say which account it changed.")
        return merged[0]

    async def profile(self, number: str) -> Profile | None:
        """The active profile of an account."""
        arguments = f"<o:customerProfile>{records({'AccountNumber': number})}</o:customerProfile>"
        results = await call(self._backend, self._profiles, "getActiveCustomerProfile", arguments, repeatable=True)
        found = next((one for result in results for one in result.findall("Value")), None)
        return None if found is None else _profile(found)

    async def add_profile(self, profile: Tree) -> None:
        """Give an account its profile; an account has one, so a repeat is refused.

        Raises:
            ErpCustomerRejected: A rule of Oracle's refused it.
        """
        arguments = f"<o:customerProfile>{records(profile)}</o:customerProfile>"
        name = "createCustomerProfile"
        await call(self._backend, self._profiles, name, arguments, refusal=ErpCustomerRejected, repeatable=True)

    async def credit(self, number: str) -> Credit:
        """What an account may still owe. Asks for credit over nothing, as what is granted would be held back."""
        asked = {"CustomerAccountNumber": number, "RequestAuthorizationAmount": 0}
        arguments = f"<o:request>{records(asked)}</o:request>"
        results = await call(self._backend, self._credit, "creditChecking", arguments, repeatable=True)
        if not results:
            raise BackendFault("Oracle's credit check did not say what is available.")
        return Credit(_number(results[0], "AvailableCredit"), text(results[0], "CreditCurrency"))


def _account(node: Element) -> Account:
    return Account(
        id=_key(node, "CustomerAccountId"),
        number=text(node, "AccountNumber"),
        party_id=_key(node, "PartyId"),
        name=text(node, "AccountName"),
        active=text(node, "Status") != _INACTIVE,
        reference=text(node, "OrigSystemReference"),
        sites=tuple(_site(one) for one in node.findall("CustomerAccountSite")),
    )


def _site(node: Element) -> Site:
    return Site(
        id=_key(node, "CustomerAccountSiteId"),
        party_site_id=_key(node, "PartySiteId"),
        active=text(node, "Status") != _INACTIVE,
        reference=text(node, "OrigSystemReference"),
        uses=tuple(
            SiteUse(_key(one, "SiteUseId"), text(one, "SiteUseCode"), text(one, "PrimaryFlag").upper() in _YES)
            for one in node.findall("CustomerAccountSiteUse")
            if text(one, "Status") != _INACTIVE
        ),
    )


def _profile(node: Element) -> Profile:
    return Profile(
        on_hold=text(node, "CreditHold").upper() in _YES,
        limit=_number(node, "CreditLimit"),
        currency=text(node, "CreditCurrencyCode"),
        payment_terms=text(node, "PaymentTerms"),
        risk=text(node, "RiskCode"),
    )


def _key(node: Element, name: str) -> int:
    value = text(node, name)
    if not (value.isascii() and value.isdigit()):
        raise BackendFault(f"Oracle answered no {name} where there must be one.")
    return int(value)


def _number(node: Element | None, name: str) -> Decimal | None:
    value = text(node, name)
    try:
        return Decimal(value) if value else None
    except InvalidOperation:
        raise BackendFault(f"Oracle answered a {name} that is no number.") from None
