"""Placing orders by IDoc: sent at most once, and there only when SAP has posted it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from shared.binding.call_context import current_context
from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import ErpOrder, NewErpOrder
from shared.contracts.system.erp import OrderRejected
from shared.resilience.once import Once
from shared.resilience.outbound_faults import NotReached, OutcomeUnknown
from system_apis.sap import order_translator
from system_apis.sap.connector import SapConnector
from system_apis.sap.faults import plain
from system_apis.sap.idoc import door
from system_apis.sap.idoc.document import Idoc
from system_apis.sap.idoc.kept import NOT_MADE, READY, TAKEN, TROUBLE, KeptIdoc
from system_apis.sap.idoc.order_document import order_document, order_identity
from system_apis.sap.interfaces import OrderSimulating
from system_apis.sap.order_records import OrderRow

Placed = Callable[[NewErpOrder], Awaitable[OrderRow | None]]

_LOOKS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
"""Seconds between looks for the order; the last goes on."""

_MARGIN = 0.5
"""Seconds of a caller's deadline that are left for the answer."""

_ASKS_AGAIN_AFTER = 5.0


class IdocOrders:
    """Implements `interfaces.OrderPlacing`.

    What was sent is kept before it goes (`IdocStore`), so a repeat, also after a crash, never sends a second document
    that SAP would take for another order: it looks for the order until that is there, or SAP has said that it is
    refused (ALEAUD).

    Args:
        sap: The system.
        placed: Finds the order of the same reference, by whatever interface.
        simulating: Says beforehand what SAP would refuse, by whatever interface.
    """

    def __init__(self, sap: SapConnector, placed: Placed, simulating: OrderSimulating) -> None:
        self._sap = sap
        self._chosen = sap.settings.idoc
        self._placed = placed
        self._simulating = simulating
        self._once: Once[OrderRow] = sap.once("order by IDoc", by_odata=False)

    async def create_order(self, order: NewErpOrder) -> ErpOrder:
        """The order of this reference: the one there is, or the one that SAP makes of the document sent now.

        Raises:
            OrderRejected: SAP refused it, or would.
            OutcomeUnknown: SAP has the document and has not posted it yet; a repeat looks again and sends nothing.
        """
        document = order_document(order, self._sap.settings, datetime.now(UTC))
        row = await self._once.make(order.reference, lambda: self._found(order), lambda: self._sent(order, document))
        return order_translator.order(row)

    async def _found(self, order: NewErpOrder) -> OrderRow | None:
        """The order, waited for if SAP has its document already; None if that is (safely) to be sent."""
        placed = await self._placed(order)
        if placed is not None:
            return placed
        kept = await self._kept(order.reference)
        return await self._awaited(order) if kept is not None and self._must_not_repeat(kept) else None

    def _must_not_repeat(self, kept: KeptIdoc) -> bool:
        if kept.status == TROUBLE:
            return False
        if kept.status == READY:  # sent, and its answer lost
            in_doubt = time.time() - kept.moved_at < self._chosen.doubt_seconds
            return self._chosen.door == "xml" and in_doubt
        return True

    async def _sent(self, order: NewErpOrder, document: Idoc) -> OrderRow:
        if self._chosen.check_first and await self._kept(order.reference) is None:
            await self._simulating.simulate_order(order)  # not on a repeat: what was sent may stand already
        kept = await self._sap.idocs.send(_to_keep(document, order.reference))
        if kept.status != READY:
            await self._sap.idocs.move(kept.position, READY)
        write, classify = door.written_by(self._chosen)
        try:
            reply = await self._sap.post_document(
                door.path_of(self._chosen, self._sap.settings.client),
                write(document),
                "create_order",
                classify,
                repeatable=self._chosen.door == "soap",
            )
        except NotReached:
            await self._sap.idocs.move(kept.position, TROUBLE, "SAP could not be reached.")
            raise
        except BackendFault as fault:
            if "outcome" not in fault.extensions:
                await self._sap.idocs.move(kept.position, TROUBLE, fault.detail)
            raise
        await self._sap.idocs.move(kept.position, TAKEN, object_key=door.number_given(reply))
        return await self._awaited(order)

    async def _awaited(self, order: NewErpOrder) -> OrderRow:
        """The order, once SAP has posted it.

        Raises:
            OrderRejected: SAP said that it did not.
            OutcomeUnknown: It has not by the time we must answer.
        """
        until = time.monotonic() + self._patience()
        looks = iter(_LOOKS)
        while True:
            if placed := await self._placed(order):
                return placed
            self._not_refused(await self._kept(order.reference))
            pause = next(looks, _LOOKS[-1])
            if time.monotonic() + pause >= until:
                raise OutcomeUnknown(
                    "SAP has the order's IDoc and has not posted it yet; look again shortly, nothing is sent twice.",
                    retry_after=_ASKS_AGAIN_AFTER,
                    extensions={"outcome": "unknown", "docnum": order_identity(order.reference, self._sap.settings)[0]},
                )
            await asyncio.sleep(pause)

    def _patience(self) -> float:
        left = current_context().remaining()
        return self._chosen.wait_seconds if left is None else min(self._chosen.wait_seconds, left - _MARGIN)

    def _not_refused(self, kept: KeptIdoc | None) -> None:
        if kept is None or kept.status != NOT_MADE:
            return
        said = f" ({kept.object_key})" if kept.object_key else ""
        raise OrderRejected(
            f"SAP did not post the order's IDoc{said}. Mend what it says and have that IDoc processed again in SAP; "
            "it becomes this order then.",
            extensions={"remark": plain(kept.status_text), "docnum": kept.docnum},
        )

    async def _kept(self, reference: str) -> KeptIdoc | None:
        number, _ = order_identity(reference, self._sap.settings)
        return await self._sap.idocs.sent(number)


def _to_keep(document: Idoc, reference: str) -> KeptIdoc:
    control = document.control
    return KeptIdoc(
        direction="sent",
        identity=control.DOCNUM,
        message_id=control.ARCKEY,
        docnum=control.DOCNUM,
        partner=control.RCVPRN,
        basic_type=control.IDOCTYP,
        message_type=control.MESTYP,
        status=READY,
        about=reference,
        document=door.xml_body(document).decode(),
        confirmed=True,
    )
