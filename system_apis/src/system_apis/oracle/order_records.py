# ruff: noqa: N815 - the fields are Oracle's, spelled as Oracle spells them
"""What Oracle sends and takes of sales orders, in Oracle's spelling.

Source: REST API for Oracle Fusion Cloud SCM, "Sales Orders for Order Hub". A row of `lines` is a fulfillment line: an
order line that Oracle split has several of one `LineId`.
"""

from decimal import Decimal

import msgspec

from system_apis.oracle.rest import Collection

Text = str | None
Flag = bool | str | None
"""True, or Y."""


class OriginalRow(msgspec.Struct, frozen=True):
    """What a return line refers to."""

    OriginalOrderNumber: Text = ""
    OriginalLineNumber: Text = ""
    OriginalFulfillLineId: int | None = None


class LineRow(msgspec.Struct, frozen=True):
    """A fulfillment line."""

    FulfillLineId: int
    LineId: int
    ProductNumber: str
    OrderedQuantity: Decimal
    LineNumber: Text = ""
    ExtendedAmount: Decimal | None = None
    StatusCode: Text = ""
    ScheduleShipDate: Text = None
    TransactionCategoryCode: Text = ""
    originalOrderReference: Collection[OriginalRow] = Collection()


class TotalRow(msgspec.Struct, frozen=True):
    """One of the totals of an order."""

    TotalCode: Text = ""
    TotalAmount: Decimal | None = None


class HoldRow(msgspec.Struct, frozen=True):
    """A hold of an order; one with a release reason is over."""

    HoldCode: Text = ""
    HoldReleaseReasonCode: Text = None


class BillTo(msgspec.Struct, frozen=True):
    """The account that an order is billed to."""

    AccountNumber: Text = ""


class OrderRow(msgspec.Struct, frozen=True):
    """An order, or a return."""

    HeaderId: int
    OrderNumber: str
    OrderKey: str
    TransactionalCurrencyCode: str
    BuyingPartyId: int | None = None
    SourceTransactionId: Text = ""
    SourceTransactionNumber: Text = ""
    StatusCode: Text = ""
    SubmittedFlag: Flag = None
    CreationDate: Text = None
    RequestedShipDate: Text = None
    billToCustomer: Collection[BillTo] = Collection()
    lines: Collection[LineRow] = Collection()
    totals: Collection[TotalRow] = Collection()
    holds: Collection[HoldRow] = Collection()


class OrderKey(msgspec.Struct, frozen=True):
    """As much of an order just made as it takes to read it."""

    OrderKey: str


class NewAdjustment(msgspec.Struct, frozen=True):
    """A price set by hand, per piece."""

    AdjustmentAmount: Decimal
    ReasonCode: str
    SourceManualPriceAdjustmentIdentifier: str = "1"
    AdjustmentTypeCode: str = "PRICE_OVERRIDE"
    AdjustmentElementBasis: str = "QP_NET_PRICE"
    ChargeDefinitionCode: str = "QP_SALE_PRICE"
    ChargeRollupFlag: bool = False
    SequenceNumber: int = 1


class NewOriginal(msgspec.Struct, frozen=True):
    """The fulfillment line that comes back."""

    OriginalFulfillLineId: int


class NewLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of an order to be."""

    SourceTransactionLineId: str
    SourceTransactionLineNumber: str
    SourceTransactionScheduleId: str
    SourceScheduleNumber: str
    ProductNumber: str
    OrderedQuantity: Decimal
    OrderedUOMCode: str = ""
    TransactionCategoryCode: str = ""
    ReturnReasonCode: str = ""
    manualPriceAdjustments: list[NewAdjustment] = []
    originalOrderReference: list[NewOriginal] = []


class NewBillTo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who pays."""

    CustomerAccountId: int
    AccountNumber: str
    SiteUseId: int | None = None


class NewShipTo(msgspec.Struct, frozen=True):
    """Where goods go."""

    PartyId: int
    SiteId: int


class NewOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order to be, or a return; the source's system and id are its natural key."""

    SourceTransactionNumber: str
    SourceTransactionSystem: str
    SourceTransactionId: str
    RequestingBusinessUnitName: str
    BusinessUnitName: str
    BuyingPartyId: int
    TransactionalCurrencyCode: str
    SubmittedFlag: bool | None
    billToCustomer: list[NewBillTo]
    lines: list[NewLine]
    shipToCustomer: list[NewShipTo] = []
    TransactionTypeCode: str = ""
    CustomerPONumber: str = ""
    RequestedShipDate: str = ""


class Cancellation(msgspec.Struct, frozen=True):
    """The change that cancels an order with every line."""

    CancelReasonCode: str
    CanceledFlag: bool = True


class Submission(msgspec.Struct, frozen=True):
    """The change that submits a draft."""

    SubmittedFlag: bool = True
