"""IDocs of an SAP system: those that it sends us, as a feed, and what became of those that we sent.

A contract of its own, so that SAP's user may hand in documents and nothing else, and a flow that subscribes gets no
right to write to the ERP.
"""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, get, post
from shared.binding.problems import Invalid, NotFound
from shared.contracts.canonical.event_feed import CursorExpired, EventFeed
from shared.contracts.canonical.values import Id, Money, Quantity

Channel = Annotated[
    str,
    msgspec.Meta(
        max_length=30,
        pattern=r"^(all|[A-Z][A-Z0-9_]{1,29})$",
        examples=["SHPCON"],
        description="A message type, SHPCON, INVOIC, DEBMAS, MATMAS, …; or all of them, all",
    ),
]
MessageType = Annotated[str, msgspec.Meta(max_length=30, pattern=r"^[A-Z][A-Z0-9_]*$", examples=["ORDERS"])]
Direction = Literal["sent", "received"]
Outcome = Literal["kept", "repeated", "passed-over"]
"""Kept, and told to subscribers; known already; or kept and not told, because a newer one about the same came first."""

_EXAMPLE = (
    '<DEBMAS07><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1"><DOCNUM>0000000001000001</DOCNUM><IDOCTYP>DEBMAS07</IDOCTYP>'
    "<MESTYP>DEBMAS</MESTYP><SNDPOR>SAPS4H</SNDPOR><SNDPRT>LS</SNDPRT><SNDPRN>S4HCLNT100</SNDPRN>"
    "<CREDAT>20260115</CREDAT><CRETIM>090036</CRETIM><SERIAL>20260115090036</SERIAL></EDI_DC40>"
    '<E1KNA1M SEGMENT="1"><MSGFN>005</MSGFN><KUNNR>0010100001</KUNNR><NAME1>Alster AG</NAME1></E1KNA1M>'
    "</IDOC></DEBMAS07>"
)


class InvalidIdoc(Invalid):
    """What was posted is no IDoc, or one without a number; `detail` says what is wrong with it."""


class IdocNotFound(NotFound):
    """No IDoc is kept under this id, or not any more."""


class IdocsPosted(msgspec.Struct, frozen=True, rename="camel"):
    """An XML document of one or more IDocs of a type, as SAP's XML HTTP port sends it."""

    content: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000_000, examples=[_EXAMPLE])]


class ReceivedIdoc(msgspec.Struct, frozen=True, rename="camel"):
    """What became of one IDoc of a document."""

    idoc_id: Id
    docnum: str
    message_type: str
    outcome: Outcome


class ReceivedIdocs(msgspec.Struct, frozen=True, rename="camel"):
    """What became of a document's IDocs, in their order."""

    idocs: list[ReceivedIdoc]


class IdocStatus(msgspec.Struct, frozen=True, rename="camel"):
    """A status as SAP numbers them: sent 30, 02, 03, 39, 40, 41; received 50, 53, 68."""

    status: str
    text: str
    at: datetime


class IdocSummary(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An IDoc that is kept.

    Attributes:
        idoc_id: Ours.
        direction: Sent to SAP, or received from it.
        docnum: The sender's number.
        partner: The other side's logical system.
        basic_type: `ORDERS05`.
        message_type: `ORDERS`.
        status: Where it stands.
        status_text: What explains it, in SAP's words where SAP said it.
        about: What it is about: a customer's number, a reference.
        object_key: What SAP made of one that we sent.
        kept: Since when it is kept.
    """

    idoc_id: Id
    direction: Direction
    docnum: str
    partner: str
    basic_type: str
    message_type: str
    status: str
    kept: datetime
    status_text: str = ""
    about: str = ""
    object_key: str = ""


class KeptIdoc(msgspec.Struct, frozen=True, rename="camel"):
    """An IDoc with every status it has had, and itself as XML."""

    summary: IdocSummary
    history: list[IdocStatus]
    document: str


class IdocSegment(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A segment with its fields, as SAP spells them, and the segments nested in it."""

    name: str
    fields: dict[str, str] = {}
    below: "list[IdocSegment]" = []


class IdocReceived(msgspec.Struct, frozen=True, rename="camel"):
    """An event: SAP sent an IDoc that none of the events below tells better."""

    idoc_id: str
    docnum: str
    partner: str
    basic_type: str
    message_type: str
    segments: list[IdocSegment]


# `reference` of an event is what its document has in common with a repeat of it, 24 hexadecimal digits.


class OrderLineConfirmed(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What of an order's item is confirmed, and for when the first of it; nothing of one that is rejected."""

    item: str
    sku: str
    quantity: Quantity
    confirmed: Quantity
    day: date | None = None
    rejected: bool = False


class OrderConfirmed(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An event: SAP confirmed an order, as it was entered or changed (ORDRSP)."""

    idoc_id: str
    reference: str
    erp_order_id: str
    lines: list[OrderLineConfirmed]
    net: Money | None = None
    purchase_order: str = ""


class DeliveredLine(msgspec.Struct, frozen=True, rename="camel"):
    """What of an order's item is delivered."""

    erp_order_id: str
    item: str
    sku: str
    quantity: Quantity


class DeliveryConfirmed(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An event: a delivery was confirmed (SHPCON); `goods_issued` is when its goods left, if they have."""

    idoc_id: str
    reference: str
    delivery_id: str
    lines: list[DeliveredLine]
    goods_issued: date | None = None
    tracking_number: str = ""


class InvoicePosted(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An event: an invoice was written (INVOIC)."""

    idoc_id: str
    reference: str
    invoice_id: str
    erp_order_ids: list[str]
    gross: Money | None = None
    net: Money | None = None
    billed: date | None = None
    purchase_order: str = ""


class CustomerRecordChanged(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An event: a customer's master record changed (DEBMAS)."""

    idoc_id: str
    reference: str
    erp_number: str
    name: str
    blocked: bool = False
    deleted: bool = False


class ProductRecordChanged(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An event: a material's master record changed (MATMAS); descriptions by ISO language."""

    idoc_id: str
    reference: str
    sku: str
    descriptions: dict[str, str] = {}
    deleted: bool = False


class SapIdocs(Contract, tier="system", version="v1"):
    """Documents between SAP and us: taken in once, told as events, and followed until SAP has posted ours."""

    @post(
        "/idocs", scope="sap-idocs:receive", repeatable=True, status=200, raises=[InvalidIdoc],
        text_types=("text/xml", "application/xml"),
    )  # fmt: skip
    async def receive_idocs(self, posted: IdocsPosted) -> ReceivedIdocs:
        """Take in IDocs, all or none; an answer of 200 says that they are on disk.

        SAP posts the XML itself (`Content-Type: text/xml`), others may wrap it in JSON. An IDoc that came before
        (partner, port, number and moment of creation, or message id) is not kept again. Confirmations (ALEAUD) are
        applied to what we sent.
        """
        ...

    @get("/idocs", scope="sap-idocs:read")
    async def list_idocs(
        self,
        direction: Direction | None = None,
        message_type: MessageType | None = None,
        cursor: Cursor | None = None,
        limit: PageSize = 50,
    ) -> Page[IdocSummary]:
        """List IDocs, newest first.

        Args:
            direction: Only those sent, or received.
            message_type: Only those of this type.
            cursor: Where the previous page ended.
            limit: IDocs a page.
        """
        ...

    @get("/idocs/{idoc_id}", scope="sap-idocs:read", raises=[IdocNotFound])
    async def get_idoc(self, idoc_id: Id) -> KeptIdoc:
        """Return an IDoc with its history."""
        ...

    @get("/events", scope="sap-idocs:read", raises=[CursorExpired], timeout=30.0, waits=True)
    async def list_events(
        self,
        channel: Channel = "all",
        after: Cursor | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: PageSize = 100,
    ) -> EventFeed:
        """Return what SAP told by IDoc, oldest first: `OrderConfirmed`, `DeliveryConfirmed`, ….

        With `Prefer: wait=n` an answer without any event waits for the first.

        Args:
            channel: Of which message type.
            after: The `cursor` of the previous answer.
            begin: Where to begin without a cursor: with the oldest that is kept, or with the next to come.
            limit: At most so many.
        """
        ...
