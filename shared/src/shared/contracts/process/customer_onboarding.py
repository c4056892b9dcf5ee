"""From a customer that only the CRM knows to one that can order."""

from typing import Annotated

import msgspec

from shared.binding.declare import Contract, get, post
from shared.binding.problems import NotFound, Refused
from shared.contracts.canonical.party import OrganizationCode, Partner, SalesAreaKey
from shared.contracts.canonical.values import Address, Id, Name
from shared.contracts.process.flow_operations import FlowId
from shared.contracts.process.progress import FlowProgress
from shared.contracts.system.crm import CustomerNotFound, ErpNumberTaken
from shared.contracts.system.cross_references import KeysDisagree, KeyTaken
from shared.contracts.system.erp import ErpCustomerNotFound, ErpCustomerRejected

OnboardableId = Annotated[str, msgspec.Meta(min_length=1, max_length=18, pattern=r"^[A-Za-z0-9][A-Za-z0-9._]*$")]
"""A CRM id that leaves room: with a hyphen and a letter behind it, it is the ERP's key of each delivery place."""


class CustomerNotOnboardable(Refused):
    """The CRM knows too little of the customer; `errors` points at everything that is missing in its record."""


class HierarchyNotOnboardable(Refused):
    """The companies above the customer go round in a circle, or are too many."""


class SimilarCustomersInErp(Refused):
    """The ERP may have the customer already, under the numbers in `similar`; link it, or onboard it all the same."""


class OnboardingNotFound(NotFound):
    """No onboarding has this id."""


class ShippingPlace(msgspec.Struct, frozen=True, rename="camel"):
    """A place that goods go to besides the billing address."""

    name: Name
    address: Address


class OnboardingRequest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Which customer to onboard, and how it will be sold to.

    Sales areas, company code and payment terms are as the ERP is configured where they are left out. Without
    `shipping_places` goods go to the customer's shipping address in the CRM. `even_if_similar` onboards a
    customer although the ERP has one that looks like it.
    """

    customer_id: OnboardableId
    sales_areas: Annotated[list[SalesAreaKey], msgspec.Meta(max_length=20)] = []
    company_code: OrganizationCode | None = None
    payment_terms: OrganizationCode | None = None
    shipping_places: Annotated[list[ShippingPlace], msgspec.Meta(max_length=20)] = []
    even_if_similar: bool = False


class OnboardedCustomer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The customer as it stands in CRM and ERP; `created` is false for one that had a number all along."""

    customer_id: Id
    erp_number: Id
    created: bool
    parent_erp_number: Id | None = None
    delivery_places: list[Partner] = []


class OnboardingProgress(FlowProgress, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """How far an onboarding has come. `onboarded` is there once the customer can order."""

    onboarding_id: FlowId
    customer_id: Id
    onboarded: OnboardedCustomer | None = None


class CustomerOnboarding(Contract, tier="process", version="v1"):
    """Enters a customer of the CRM in the ERP, after the companies above it, and tells the CRM its number."""

    @post(
        "/onboardings", scope="customer-onboarding:write", repeatable=True, timeout=30.0,
        long_running="/onboardings/{onboarding_id}",
        raises=[
            CustomerNotFound, CustomerNotOnboardable, HierarchyNotOnboardable, SimilarCustomersInErp,
            ErpCustomerNotFound, ErpCustomerRejected, ErpNumberTaken, KeysDisagree, KeyTaken,
        ],
    )  # fmt: skip
    async def onboard_customer(self, request: OnboardingRequest) -> OnboardingProgress:
        """Onboard a customer, and first every company above it that the ERP does not know.

        A customer is onboarded at most once: asking again answers with the same onboarding. After a refusal the
        customer is out of use in the ERP, companies above it that were onboarded stay, and a new request checks
        anew. Credit limits are not set; they are for whoever grants credit.
        """
        ...

    @get("/onboardings/{onboarding_id}", scope="customer-onboarding:read", raises=[OnboardingNotFound])
    async def get_onboarding(self, onboarding_id: FlowId) -> OnboardingProgress:
        """Return how far an onboarding has come, with its timeline."""
        ...
