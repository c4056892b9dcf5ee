"""The business of passing on what changed in the ERP. Every contract call is durable.

A change says what to look at and nothing of what is true: that is read from the ERP when the change is worked on. So
changes may come twice, late, or in any order, and the CRM ends up with what the ERP says last. Two that are worked on
at once could still write the older over the newer; therefore whoever wrote reads the ERP again.
"""

import msgspec

from process_apis.erp_changes.customer import corrections, fields_of
from shared.contracts.canonical.identity import KeyClaim
from shared.contracts.canonical.party import Customer
from shared.contracts.canonical.values import Id
from shared.contracts.process.erp_changes import ChangePassedOn, ErpChange
from shared.contracts.process.order_fulfilment import (
    FulfilmentEnded,
    FulfilmentNotFound,
    OrderFulfilment,
    OrderNews,
)
from shared.contracts.system.crm import Crm, CustomerNotFound, ErpRecord
from shared.contracts.system.cross_references import CrossReferences
from shared.contracts.system.erp import Erp, ErpCustomerNotFound, ErpOrderNotFound
from shared.durable.flow import Flow

MOST_CORRECTIONS = 5
"""Times that one change corrects a customer: more would mean that somebody else writes the same fields."""

NOTHING = ErpRecord()


class PassOnErpChange(Flow[ErpChange, ChangePassedOn], version=1):
    """Wake who follows the orders that changed; correct the customers that changed where the ERP leads."""

    def __init__(self, crm: Crm, erp: Erp, cross_references: CrossReferences, fulfilment: OrderFulfilment) -> None:
        self.crm = crm
        self.erp = erp
        self.keys = cross_references
        self.fulfilment = fulfilment

    async def run(self, request: ErpChange) -> ChangePassedOn:
        """Pass the change on to whom it concerns, and to nobody else."""
        outcome = ChangePassedOn([], [], [])
        for number in dict.fromkeys(request.erp_numbers):
            if request.kind == "order":
                await self.hasten(number, request.reference, outcome)
            else:
                await self.correct(number, outcome)
        return outcome

    async def hasten(self, erp_order_id: str, reference: str, outcome: ChangePassedOn) -> None:
        """Have an order looked at by who follows it."""
        try:
            placed = await self.erp.get_order(erp_order_id)
            if not is_id(placed.reference):  # entered by somebody else, with words of theirs
                raise FulfilmentNotFound
            heard = await self.fulfilment.hear_of_order(placed.reference, OrderNews(reference))
            outcome.told.append(heard.order_id)
        except (ErpOrderNotFound, FulfilmentNotFound, FulfilmentEnded):
            outcome.unknown.append(erp_order_id)

    async def correct(self, erp_number: str, outcome: ChangePassedOn) -> None:
        """Tell the CRM what it does not know yet of what the ERP leads.

        Raises KeysDisagree, and writes nothing, when the number is noted as another customer's: a number that somebody
        mistyped in the CRM must not give one company another's name.
        """
        try:
            customer = await self.crm.find_customer(erp_number)
            wanted = corrections(customer, await self.erp.get_customer(erp_number))
        except (CustomerNotFound, ErpCustomerNotFound):
            outcome.unknown.append(erp_number)
            return
        outcome.told.append(customer.customer_id)
        if wanted != NOTHING:
            await self.keys.resolve(KeyClaim("customer", customer.customer_id, "crm", {"erp": erp_number}))
        for _ in range(MOST_CORRECTIONS):
            if wanted == NOTHING:
                return
            noted = await self.crm.note_erp_record(customer.customer_id, wanted)
            outcome.corrected.extend(changed_fields(customer, noted, wanted))
            if noted == customer:
                return  # the CRM has no room for it
            customer, wanted = noted, corrections(noted, await self.erp.get_customer(erp_number))


def is_id(text: str) -> bool:
    """Whether a reference can be the id of an order of ours."""
    try:
        msgspec.convert(text, Id)
    except msgspec.ValidationError:
        return False
    return True


def changed_fields(before: Customer, after: Customer, wanted: ErpRecord) -> list[str]:
    """Which of the fields wanted differ now."""
    was, has = msgspec.to_builtins(before), msgspec.to_builtins(after)
    return [f"{before.customer_id}/{name}" for name in fields_of(wanted) if was.get(name) != has.get(name)]
