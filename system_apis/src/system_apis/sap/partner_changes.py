"""Entering customers and delivery places so that a repeat finds what the first try did, and taking them out of use."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, PreconditionFailed
from shared.contracts.canonical.party import NewDeliveryPlace, NewErpCustomer, Partner
from shared.contracts.system.erp import ErpCustomerNotFound, ErpCustomerRejected, OrderRejected
from shared.resilience.once import Once
from system_apis.sap.batch import Change
from system_apis.sap.connector import SapConnector
from system_apis.sap.odata import document_number, key
from system_apis.sap.partner_body import customer_body, place_body
from system_apis.sap.partner_records import (
    KnownPartner,
    NewBusinessPartner,
    NewFunction,
    NewSalesArea,
    OrderBlock,
    OutOfUse,
)
from system_apis.sap.partner_translator import customer_rejected
from system_apis.sap.records import CustomerRow, Many, PartnerFunctionRow, SalesAreaRow

_Made = TypeVar("_Made")
_BLOCKING_ROUNDS = 4


class PartnerChanges:
    """Writes business partners. SAP's own service makes two partners of one request sent twice; this does not.

    Args:
        sap: Where to write.
    """

    def __init__(self, sap: SapConnector) -> None:
        self._sap = sap
        self._once: Once[KnownPartner] = sap.once("business partner")

    async def enter(self, customer: NewErpCustomer) -> str:
        """The number of the customer of this reference: the one there is, or a new one.

        Raises:
            ErpCustomerRejected: SAP refused it, or would.
            OutcomeUnknown: No answer came and the customer is not to be found; a repeat looks again first.
        """
        return await self._entered(customer.reference, lambda: customer_body(customer, self._sap.settings))

    async def add_place(self, row: CustomerRow, place: NewDeliveryPlace) -> Partner:
        """The delivery place of this reference, made if need be and assigned in every sales area of its customer.

        Raises:
            ErpCustomerRejected, OutcomeUnknown: As `enter`.
        """
        areas = row.to_CustomerSalesArea.results
        new = [_bare(area) for area in areas]
        number = await self._entered(place.reference, lambda: place_body(place, new, self._sap.settings))
        for area in areas:
            if not _serves(area.to_PartnerFunction.results, number):
                await self._assign(row.Customer, area, number)
        return Partner("ship-to", number, place.name)

    async def take_out(self, customer: str) -> None:
        """Block a customer, after the delivery places made for it, and free their references.

        Raises:
            ErpCustomerNotFound: There is none.
        """
        for _ in range(_BLOCKING_ROUNDS):
            partners = await self._with_places(customer)
            try:
                for one in partners:
                    await self._take_out(one)
            except PreconditionFailed:
                continue
            return
        raise BackendUnavailable(f"Customer {customer} is being changed by somebody else; try again.")

    async def _entered(self, reference: str, body: Callable[[], NewBusinessPartner]) -> str:
        made = await self._once.make(reference, lambda: self._known(reference), lambda: self._create(reference, body))
        if made.IsMarkedForArchiving:
            raise ErpCustomerRejected(
                f"SAP has business partner {made.BusinessPartner} for {reference} and is about to archive it; take the "
                "archiving flag or the external number off it first."
            )
        return document_number(made.Customer or made.BusinessPartner)

    async def _known(self, reference: str) -> KnownPartner | None:
        """The first partner that was made under a reference."""
        path = self._sap.paths.partner_with(reference)
        found = await self._sap.read(path, Many[KnownPartner], "find_partner")
        return found.d.results[0] if found is not None and found.d.results else None

    async def _create(self, reference: str, body: Callable[[], NewBusinessPartner]) -> KnownPartner:
        made = await self._post(self._sap.paths.partners, body(), KnownPartner, "create_partner")
        return await self._first(reference, made)

    async def _first(self, reference: str, ours: KnownPartner) -> KnownPartner:
        """The partner that stands: where another process made one of the same reference first, ours gives way."""
        first = await self._known(reference)
        if first is None or first.BusinessPartner == ours.BusinessPartner:
            return ours
        await self._take_out(ours)
        return first

    async def _assign(self, customer: str, area: SalesAreaRow, number: str) -> None:
        function = NewFunction(
            self._sap.settings.ship_to_function, number, customer,
            area.SalesOrganization, area.DistributionChannel, area.Division,
        )  # fmt: skip
        await self._post(self._sap.paths.partner_functions, function, PartnerFunctionRow, "add_delivery_place")

    async def _with_places(self, customer: str) -> list[KnownPartner]:
        found = await self._sap.read(self._sap.paths.partner_of(customer), Many[KnownPartner], "find_partner")
        if found is None or not found.d.results:
            raise ErpCustomerNotFound(f"SAP has no customer {customer}.")
        partner = found.d.results[0]
        reference = partner.BusinessPartnerIDByExtSystem or ""
        if not reference:
            return [partner]
        path = self._sap.paths.partners_beginning_with(f"{reference}-")
        others = await self._sap.read(path, Many[KnownPartner], "find_partner")
        return [
            *(one for one in (others.d.results if others else []) if _is_place(one, reference)),
            partner,
        ]

    async def _take_out(self, partner: KnownPartner) -> None:
        """Both changes or none, so that a partner out of use takes no orders."""
        if partner.IsMarkedForArchiving:
            return
        number, etag = partner.BusinessPartner, partner.metadata.etag or "*"
        body = msgspec.json.encode(OutOfUse())
        changes = [Change(key("A_BusinessPartner", number), body, etag)]
        if partner.Customer:
            block = msgspec.json.encode(OrderBlock(self._sap.settings.order_block))
            changes.append(Change(key("A_Customer", partner.Customer), block, "*"))
        try:
            await self._sap.change(self._sap.paths.partner_batch, changes, "block_customer")
        except OrderRejected as refused:
            raise BackendFault(
                f"SAP does not let business partner {number} be taken out of use; check order_block of [backends.sap].",
                extensions=refused.extensions,
            ) from None

    async def _post(self, path: str, body: msgspec.Struct, kind: type[_Made], operation: str) -> _Made:
        try:
            made, _ = await self._sap.create(path, body, kind, operation)
        except OrderRejected as refused:
            raise customer_rejected(refused) from None
        return made


def _bare(area: SalesAreaRow) -> NewSalesArea:
    return NewSalesArea(
        area.SalesOrganization,
        area.DistributionChannel,
        area.Division,
        area.Currency or "",
        area.CustomerPaymentTerms or "",
    )


def _serves(functions: list[PartnerFunctionRow], number: str) -> bool:
    return any(
        one.PartnerFunction in ("SH", "WE") and document_number(one.BPCustomerNumber or "") == number
        for one in functions
    )


def _is_place(partner: KnownPartner, reference: str) -> bool:
    """Whether the partner is a delivery place of the customer of this reference; SAP compares in its own way."""
    return (partner.BusinessPartnerIDByExtSystem or "").startswith(f"{reference}-")
