"""What SAP says of business partners, as canonical values; pure functions."""

from collections.abc import Iterable
from typing import Protocol

from shared.contracts.canonical.likeness import MOST_SIMILAR, comparable_name
from shared.contracts.canonical.party import CustomerDescription, Likeness, SimilarCustomer
from shared.contracts.system.erp import ErpCustomerRejected, OrderRejected
from system_apis.sap.lines import joined
from system_apis.sap.odata import document_number
from system_apis.sap.partner_body import NAME_WIDTHS
from system_apis.sap.partner_records import KnownPartner


class NamedLines(Protocol):
    """Whatever has the four lines of an organization's name."""

    @property
    def OrganizationBPName1(self) -> str | None: ...  # noqa: N802, D102 - SAP's
    @property
    def OrganizationBPName2(self) -> str | None: ...  # noqa: N802, D102
    @property
    def OrganizationBPName3(self) -> str | None: ...  # noqa: N802, D102
    @property
    def OrganizationBPName4(self) -> str | None: ...  # noqa: N802, D102


def organization_name(partner: NamedLines) -> str:
    """An organization's name from its four lines; empty for a person."""
    lines = (
        partner.OrganizationBPName1, partner.OrganizationBPName2,
        partner.OrganizationBPName3, partner.OrganizationBPName4,
    )  # fmt: skip
    return joined(lines, NAME_WIDTHS)


def customer_rejected(refused: OrderRejected) -> ErpCustomerRejected:
    """SAP's refusal of a business partner."""
    detail = (
        "SAP refused the customer; see `errors`." if refused.errors else "SAP refused the customer, not saying why."
    )
    return ErpCustomerRejected(detail, errors=refused.errors, extensions=refused.extensions)


def similar(
    description: CustomerDescription, named: Iterable[KnownPartner], taxed: Iterable[KnownPartner]
) -> list[SimilarCustomer]:
    """Which of these may be the company described, those with most in common first."""
    alike: dict[str, list[Likeness]] = {}
    names: dict[str, str] = {}
    namesakes = [one for one in named if _is_namesake(description, one)]
    by_likeness: dict[Likeness, Iterable[KnownPartner]] = {"tax-number": taxed, "name-and-postal-code": namesakes}
    for likeness, those in by_likeness.items():
        candidates = {document_number(one.Customer or ""): one for one in those if _is_candidate(description, one)}
        for number, one in candidates.items():
            names[number] = organization_name(one)
            alike.setdefault(number, []).append(likeness)
    ranked = sorted(alike, key=lambda number: (-len(alike[number]), number))
    return [SimilarCustomer(number, names[number], alike[number]) for number in ranked[:MOST_SIMILAR]]


def _is_candidate(description: CustomerDescription, one: KnownPartner) -> bool:
    key = (one.BusinessPartnerIDByExtSystem or "").partition("-")[0]
    is_itself = key.casefold() == description.reference.casefold()
    return bool(one.Customer) and not one.IsMarkedForArchiving and not is_itself


def _is_namesake(description: CustomerDescription, one: KnownPartner) -> bool:
    wanted = description.address
    same_place = any(
        (address.PostalCode or "").replace(" ", "").casefold() == wanted.postal_code.replace(" ", "").casefold()
        and (address.Country or None) == wanted.country
        for address in one.to_BusinessPartnerAddress.results
    )
    return same_place and comparable_name(organization_name(one)) == comparable_name(description.name)
