"""A canonical customer as the bodies that enter it; what Oracle cannot hold is refused, all at once."""

from shared.binding.problems import FieldError
from shared.contracts.canonical.party import NewDeliveryPlace, NewErpCustomer
from shared.contracts.canonical.values import Address
from shared.contracts.system.erp import ErpCustomerRejected
from system_apis.oracle.accounts import BILL_TO, SHIP_TO
from system_apis.oracle.parties import NewParty
from system_apis.oracle.settings import OracleSettings
from system_apis.oracle.soap import Tree

_WIDTHS = {
    "/name": 240,  # of a party 360, of an account and of a place 240
    "/taxNumber": 50,
    "/email": 320,
    "/phone": 60,
    "/address/street": 240,
    "/address/houseNumber": 240,
    "/address/city": 60,
    "/address/region": 60,
    "/address/postalCode": 60,
}


def check(given: NewErpCustomer | NewDeliveryPlace, settings: OracleSettings) -> None:
    """Raises ErpCustomerRejected if something of it does not fit; says everything that does not."""
    texts = {"/name": given.name, **_address_texts(given.address)}
    errors: list[FieldError] = []
    if isinstance(given, NewErpCustomer):
        texts |= {"/taxNumber": given.tax_number, "/email": given.email, "/phone": given.phone}
        errors += _elsewhere(given, settings)
    errors += [
        FieldError(f"Oracle holds {width} characters here, not {len(texts[pointer])}; shorten it.", pointer)
        for pointer, width in _WIDTHS.items()
        if pointer in texts and len(texts[pointer].strip()) > width
    ]
    if not given.name.strip():
        errors.append(FieldError("A name is needed.", "/name"))
    if given.address.country is None:
        errors.append(FieldError("Oracle's addresses need a country.", "/address/country"))
    if errors:
        raise ErpCustomerRejected("Oracle cannot hold the customer as it is; see `errors`.", errors=errors)


def party_body(customer: NewErpCustomer, parent: int | None, settings: OracleSettings) -> NewParty:
    """The body that enters a customer's party with its address.

    Args:
        customer: Checked.
        parent: Party id of the company above.
        settings: How we are known.
    """
    above = [{"RelationshipCode": settings.hierarchy, "ObjectPartyId": parent}] if parent is not None else []
    return NewParty(
        OrganizationName=customer.name.strip(),
        CreatedByModule=settings.created_by,
        SourceSystemReference=[
            {"SourceSystem": settings.source_system, "SourceSystemReferenceValue": customer.reference}
        ],
        Address=[address_body(customer.address, customer.name, settings)],
        TaxpayerIdentificationNumber=customer.tax_number.strip(),
        EmailAddress=customer.email.strip(),
        RawPhoneNumber=customer.phone.strip(),
        CurrencyCode=customer.currency,
        Relationship=[*above],
    )


def address_body(
    given: Address, name: str, settings: OracleSettings, reference: str | None = None
) -> dict[str, str | bool]:
    """The body of an address; with a key of ours where it is a delivery place."""
    texts = {
        "PartySiteName": name,
        "Address1": given.street,
        "HouseNumber": given.house_number,
        "City": given.city,
        "State": given.region,
        "PostalCode": given.postal_code,
        "Country": given.country or "",
        "CreatedByModule": settings.created_by,
    }
    body: dict[str, str | bool] = {field: text.strip() for field, text in texts.items() if text.strip()}
    if reference is None:
        return {**body, "PrimaryFlag": True}
    return {**body, "SourceSystem": settings.source_system, "SourceSystemReferenceValue": reference}


def account_body(customer: NewErpCustomer, party: int, place: int, settings: OracleSettings) -> Tree:
    """The account of a party, with the site that is billed and delivered to at its address."""
    return {
        "PartyId": party,
        "CustomerType": "R",
        "AccountName": customer.name.strip(),
        "OrigSystem": settings.source_system,
        "OrigSystemReference": customer.reference,
        "CreatedByModule": settings.created_by,
        "CustomerAccountSite": [_site_body(place, (BILL_TO, SHIP_TO), settings)],
    }


def place_body(account: int, place: int, reference: str, settings: OracleSettings) -> Tree:
    """The change that adds a delivery place to an account."""
    site: Tree = {"OrigSystem": settings.source_system, "OrigSystemReference": reference}
    return {"CustomerAccountId": account, "CustomerAccountSite": [{**_site_body(place, (SHIP_TO,), settings), **site}]}


def profile_body(number: str, customer: NewErpCustomer, settings: OracleSettings) -> Tree:
    """The profile of a new account. Its class sets the rest, such as the credit limit."""
    return {
        "AccountNumber": number,
        "ProfileClassName": settings.profile_class,
        "CreditCurrencyCode": customer.currency,
        "PaymentTerms": customer.payment_terms or settings.payment_terms or None,
    }


def _site_body(place: int, purposes: tuple[str, ...], settings: OracleSettings) -> Tree:
    uses: list[Tree] = [{"SiteUseCode": one, "CreatedByModule": settings.created_by} for one in purposes]
    return {
        "PartySiteId": place,
        "SetId": settings.account_set,
        "CreatedByModule": settings.created_by,
        "CustomerAccountSiteUse": uses,
    }


def _elsewhere(customer: NewErpCustomer, settings: OracleSettings) -> list[FieldError]:
    """A customer of Oracle's is sold to by the business unit of the settings, and by no area or company besides."""
    errors = [
        FieldError("Oracle knows no sales areas; leave them out.", f"/salesAreas/{place}")
        for place, _ in enumerate(customer.sales_areas)
    ]
    if customer.company_code not in (None, settings.legal_entity):
        errors.append(FieldError("Oracle's customers belong to no company code; leave it out.", "/companyCode"))
    return errors


def _address_texts(given: Address) -> dict[str, str]:
    return {
        "/address/street": given.street,
        "/address/houseNumber": given.house_number,
        "/address/city": given.city,
        "/address/region": given.region,
        "/address/postalCode": given.postal_code,
    }
