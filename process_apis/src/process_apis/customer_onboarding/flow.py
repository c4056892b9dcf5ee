"""The business of onboarding a customer. Every contract call is durable.

What the CRM lacks is refused before anything is written, all of it at once. The companies above come first: each is an
onboarding of its own, and once it is in the ERP it stays there, because others below may count on it. The ERP's number
goes to the CRM last, so a customer that shows one can order.

A customer that is in the ERP already, by what is noted or by what the CRM says, is looked at there, and whoever did not
know the number is told: the CRM, or the cross-references. Where the two say different numbers it is refused.

Version 1 believed the CRM alone. It is served until no run of it is unfinished: `triptych flows list --kind
onboard-customer@1` says so. Until then its calls stay as they are.
"""

from collections.abc import Awaitable
from functools import partial

import msgspec

from process_apis.customer_onboarding.records import (
    as_described,
    as_entered,
    delivery_places,
    require_known_company,
    shared_email,
)
from shared.contracts.canonical.identity import Identity, KeyClaim, KeyInSystem, KeysOfThing, KeysToNote
from shared.contracts.canonical.party import Customer, ErpCustomer, SimilarCustomer
from shared.contracts.process.customer_onboarding import (
    HierarchyNotOnboardable,
    OnboardedCustomer,
    OnboardingRequest,
    SimilarCustomersInErp,
)
from shared.contracts.system.crm import Crm, ErpIdentity
from shared.contracts.system.cross_references import CrossReferences
from shared.contracts.system.erp import Erp, ErpBlock, ErpCustomerRejected
from shared.durable.flow import Flow

MOST_LEVELS = 5
"""Companies above one another that are onboarded at once; more look like a mistake in the CRM."""

UNDONE = "The customer could not be onboarded and was taken out of use."


class CustomerToOnboard(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request, and the customers below it that wait for this one, the lowest first."""

    request: OnboardingRequest
    below: list[str] = []


class OnboardCustomer(Flow[CustomerToOnboard, OnboardedCustomer], version=2):
    """Check, onboard who is above, enter in the ERP, note its keys, tell the CRM; a refusal undoes all of its own."""

    def __init__(self, crm: Crm, erp: Erp, cross_references: CrossReferences) -> None:
        self.crm = crm
        self.erp = erp
        self.keys = cross_references

    async def run(self, request: CustomerToOnboard) -> OnboardedCustomer:
        """Onboard the customer, or refuse and leave nothing that could order."""
        asked = request.request
        known = await self.crm.get_customer_overview(asked.customer_id)
        customer = known.customer
        stands = await self.standing(customer)
        if stands is not None:
            return OnboardedCustomer(customer.customer_id, stands, created=False)
        require_known_company(customer, asked)
        if not asked.even_if_similar:
            require_nobody_similar(customer, await self.erp.find_similar_customers(as_described(customer)))

        parent = await self.number_above(customer, request)
        entering = self.erp.create_customer(as_entered(customer, asked, parent, shared_email(known.contacts)))
        if not request.below:  # others below may count on a company above, so one that was entered stays
            entering = self.undoable(entering, lambda made: self.erp.block_customer(made.erp_number, ErpBlock(UNDONE)))
        entered = await entering
        places = delivery_places(customer, asked)
        partners = [await self.erp.add_delivery_place(entered.erp_number, place) for place in places]
        await self.note_keys(customer.customer_id, entered, stays=bool(request.below))
        await self.crm.note_erp_number(customer.customer_id, ErpIdentity(entered.erp_number))
        return OnboardedCustomer(customer.customer_id, entered.erp_number, True, parent, partners)

    async def standing(self, customer: Customer) -> str | None:
        """The number of a customer that is in the ERP, known everywhere from now on; None if it is not there.

        Raises ErpCustomerRejected for one that is on its way out, as an onboarding that was undone leaves it.
        """
        number = await self.number_of(customer)
        if number is None:
            return None
        found = await self.erp.get_customer(number)
        if found.marked_for_deletion:
            raise ErpCustomerRejected(
                f"The ERP will delete its customer {number}; correct the number, or take the mark back there."
            )
        keys = {"erp": found.erp_number, "erp.business-partner": found.business_partner}
        await self.keys.note_keys(KeysToNote([KeysOfThing("customer", customer.customer_id, keys)]))
        if customer.erp_number is None:
            await self.crm.note_erp_number(customer.customer_id, ErpIdentity(number))
        return number

    async def number_of(self, customer: Customer) -> str | None:
        """What is noted or said to be the customer's number in the ERP; raises KeysDisagree if the two differ."""
        said = {} if customer.erp_number is None else {"erp": customer.erp_number}
        return (await self.keys.resolve(KeyClaim("customer", customer.customer_id, "crm", said))).keys.get("erp")

    async def note_keys(self, customer_id: str, entered: ErpCustomer, *, stays: bool) -> None:
        """Note what the ERP calls the customer, and its business partner; forgotten with a customer that goes."""
        for system, key in (("erp", entered.erp_number), ("erp.business-partner", entered.business_partner)):
            noting = self.keys.note_key("customer", customer_id, system, KeyInSystem(key))
            if not stays:
                noting = self.undoable(noting, partial(self.forget_key, customer_id, system))
            await noting

    def forget_key(self, customer_id: str, system: str, _: Identity) -> Awaitable[None]:
        """Take back that a key was noted."""
        return self.keys.remove_key("customer", customer_id, system)

    async def number_above(self, customer: Customer, request: CustomerToOnboard) -> str | None:
        """The ERP number of the company above, which is onboarded first if it has none; None if there is none."""
        if customer.parent_id is None:
            return None
        below = [*request.below, customer.customer_id]
        require_hierarchy(customer.parent_id, below)
        parent = await self.crm.get_customer(customer.parent_id)
        known = await self.number_of(parent)
        if known is not None:
            return known
        above = msgspec.structs.replace(
            request.request, customer_id=parent.customer_id, shipping_places=[], even_if_similar=False
        )
        onboarded = await self.child(type(self), parent.customer_id, CustomerToOnboard(above, below))
        return onboarded.erp_number


class OnboardCustomerV1(OnboardCustomer, version=1, name=OnboardCustomer.name):
    """As it was before keys were compared, for runs that began then."""

    async def standing(self, customer: Customer) -> str | None:
        """The customer's number in the ERP as the CRM says."""
        return customer.erp_number

    async def number_of(self, customer: Customer) -> str | None:
        """The customer's number in the ERP as the CRM says."""
        return customer.erp_number


def require_nobody_similar(customer: Customer, similar: list[SimilarCustomer]) -> None:
    """Raises SimilarCustomersInErp when the ERP has somebody who may be this customer."""
    if similar:
        numbers = ", ".join(f"{one.erp_number} ({' and '.join(one.alike)})" for one in similar)
        raise SimilarCustomersInErp(
            f"{customer.name} may be in the ERP already: {numbers}. If it is, note that number on the customer in the "
            "CRM; if not, ask again with evenIfSimilar.",
            extensions={"similar": [one.erp_number for one in similar], "customerId": customer.customer_id},
        )


def require_hierarchy(parent_id: str, below: list[str]) -> None:
    """Raises HierarchyNotOnboardable when the company above is also below, or there are too many."""
    chain = " → ".join([*below, parent_id])
    if parent_id in below:
        raise HierarchyNotOnboardable(f"The hierarchy goes round in a circle: {chain}. Correct a parent in the CRM.")
    if len(below) >= MOST_LEVELS:
        raise HierarchyNotOnboardable(
            f"More than {MOST_LEVELS} companies above one another are not in the ERP: {chain}. Onboard the upper ones "
            "first."
        )
