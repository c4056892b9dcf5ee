"""What the ERP says of itself to have changed, passed on to whom it concerns."""

from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, get, post
from shared.binding.problems import NotFound
from shared.contracts.canonical.values import Id
from shared.contracts.process.flow_operations import FlowArchived, FlowId
from shared.contracts.process.progress import FlowProgress
from shared.contracts.system.cross_references import KeysDisagree

ChangedThing = Literal["order", "customer"]
ChangeReference = Annotated[
    str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$", examples=["SHP-80000001"])
]
"""Whoever reports a change names it by this, so that a repeat is recognised."""


class ErpChangeNotFound(NotFound):
    """No change of the ERP is known under this id."""


class ErpChange(msgspec.Struct, frozen=True, rename="camel"):
    """A change in the ERP: which things of a kind, by their numbers there; what is new is read from the ERP itself."""

    reference: ChangeReference
    kind: ChangedThing
    erp_numbers: Annotated[list[Id], msgspec.Meta(max_length=1000, examples=[["10100001"]])]


class ChangePassedOn(msgspec.Struct, frozen=True, rename="camel"):
    """What came of a change.

    Attributes:
        told: Ids of those who heard of it: orders that are followed, customers of the CRM.
        corrected: Fields that were written in the CRM, with the customer's id, `001…/taxNumber`.
        unknown: Numbers that concern nobody here.
    """

    told: list[str] = []
    corrected: list[str] = []
    unknown: list[str] = []


class ErpChangeProgress(FlowProgress, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """How far passing a change on has come; `passed_on` once it has ended."""

    change_id: FlowId
    passed_on: ChangePassedOn | None = None


class ErpChanges(Contract, tier="process", version="v1"):
    """Passes on what changed in the ERP: orders are looked at at once, customers corrected in the CRM.

    Changes that the ERP tells by itself (SAP's IDocs) come by subscription; others may be reported here.
    """

    @post(
        "/changes",
        scope="erp-changes:write",
        repeatable=True,
        long_running="/changes/{change_id}",
        raises=[KeysDisagree],
    )
    async def report_change(self, change: ErpChange) -> ErpChangeProgress:
        """Pass on a change; one that was reported under this reference is passed on once."""
        ...

    @get("/changes/{change_id}", scope="erp-changes:read", raises=[ErpChangeNotFound, FlowArchived])
    async def get_change(self, change_id: FlowId) -> ErpChangeProgress:
        """Return how far passing on a change has come."""
        ...
