"""Oracle's parties, accounts and profiles as canonical customers; pure functions."""

import re

from shared.contracts.canonical.party import CompanyCodeData, CreditStanding, ErpCustomer, Partner, SalesArea
from shared.contracts.canonical.values import Address
from system_apis.oracle.accounts import SHIP_TO, Account, Credit, Profile
from system_apis.oracle.money import money
from system_apis.oracle.parties import AddressRow, PartyRow
from system_apis.oracle.settings import OracleSettings

_COUNTRY = re.compile(r"[A-Z]{2}")
_YES = frozenset({"Y", "TRUE"})


def customer(
    account: Account, party: PartyRow, profile: Profile | None, parent: str | None, settings: OracleSettings
) -> ErpCustomer:
    """A customer; its one sales area is the business unit that sells."""
    held, terms = (profile.on_hold, profile.payment_terms) if profile else (False, "")
    currency = (profile.currency if profile else "") or settings.currency
    stopped = held or not account.active
    return ErpCustomer(
        erp_number=account.number,
        business_partner=party.PartyNumber,
        name=party.OrganizationName or account.name,
        address=_address(_main(account, party)),
        tax_number=party.TaxpayerIdentificationNumber or "",
        parent_erp_number=parent,
        order_blocked=stopped,
        marked_for_deletion=not account.active,
        sales_areas=[
            SalesArea(
                organization=settings.business_unit,
                channel="",
                division="",
                currency=currency,
                payment_terms=terms,
                supplying_plant=settings.organization,
                blocked=stopped,
                partners=_partners(account, party),
            )
        ],
        company_codes=[CompanyCodeData(settings.legal_entity, payment_terms=terms)],
    )


def credit_standing(number: str, profile: Profile, credit: Credit) -> CreditStanding | None:
    """What a customer may owe; None without a limit, as then no credit is managed."""
    if profile.limit is None:
        return None
    currency, available = profile.currency or credit.currency, credit.available
    return CreditStanding(
        erp_number=number,
        limit=money(profile.limit, currency),
        exposure=money(profile.limit - available, currency) if available is not None else None,
        available=money(available, currency) if available is not None else None,
        blocked=profile.on_hold,
        risk_class=profile.risk,
    )


def place(row: AddressRow, name: str) -> Partner:
    """A delivery place; its number is that of the address."""
    return Partner("ship-to", row.AddressNumber, row.PartySiteName or name)


def parent_of(party: PartyRow, settings: OracleSettings) -> int | None:
    """The party above this one."""
    rows = party.Relationship.items
    return next(
        (
            one.ObjectPartyId
            for one in rows
            if one.RelationshipCode == settings.hierarchy and one.SubjectPartyId == party.PartyId and one.Status != "I"
        ),
        None,
    )


def _partners(account: Account, party: PartyRow) -> list[Partner]:
    own = [Partner(function, account.number, is_default=True) for function in ("sold-to", "bill-to", "payer")]
    addresses = {one.AddressId: one for one in party.Address.items}
    shipped = [
        Partner("ship-to", row.AddressNumber, row.PartySiteName or "", use.primary)
        for site, use in account.sites_for(SHIP_TO)
        if (row := addresses.get(site.party_site_id)) is not None
    ]
    return own + shipped


def _main(account: Account, party: PartyRow) -> AddressRow | None:
    """The party's identifying address, else that of the account's first site."""
    rows = party.Address.items
    primary = next((one for one in rows if str(one.PrimaryFlag).upper() in _YES), None)
    if primary is not None or not account.sites:
        return primary or next(iter(rows), None)
    return next((one for one in rows if one.AddressId == account.sites[0].party_site_id), None)


def _address(row: AddressRow | None) -> Address | None:
    if row is None:
        return None
    return Address(
        street=row.Address1 or "",
        house_number=row.HouseNumber or "",
        city=row.City or "",
        region=row.State or "",
        postal_code=row.PostalCode or "",
        country=row.Country if _COUNTRY.fullmatch(row.Country or "") else None,
    )
