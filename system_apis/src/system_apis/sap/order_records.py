# ruff: noqa: N815 - the fields are SAP's, spelled as SAP spells them
"""What SAP sends and takes of orders, in SAP's spelling.

Source: the published metadata of API_SALES_ORDER_SRV and API_SALES_ORDER_SIMULATION_SRV.
"""

from decimal import Decimal

import msgspec

from system_apis.sap.records import Metadata, Results, Text


class ScheduleLine(msgspec.Struct, frozen=True):
    """When how much of an item can be delivered."""

    ConfirmedDeliveryDate: Text = None
    ConfdOrderQtyByMatlAvailCheck: Decimal = Decimal(0)


class ItemRow(msgspec.Struct, frozen=True):
    """An item of an order, saved or simulated."""

    SalesOrderItem: str
    Material: str
    RequestedQuantity: Decimal
    NetAmount: Decimal
    TaxAmount: Decimal = Decimal(0)
    ConfdDelivQtyInOrderQtyUnit: Decimal | None = None
    SalesDocumentRjcnReason: Text = ""
    DeliveryStatus: Text = ""
    metadata: Metadata = msgspec.field(default=Metadata(), name="__metadata")
    to_ScheduleLine: Results[ScheduleLine] = Results()


class FollowingDocument(msgspec.Struct, frozen=True):
    """A document that came of an order: J delivery, M invoice, N invoice cancellation."""

    SubsequentDocumentCategory: Text = ""


class OrderRow(msgspec.Struct, frozen=True):
    """An order."""

    SalesOrder: str
    SoldToParty: str
    TotalNetAmount: Decimal
    TransactionCurrency: str
    PurchaseOrderByCustomer: Text = ""
    PurchaseOrderByShipToParty: Text = ""
    ExternalDocumentID: Text = ""
    CreationDate: Text = None
    RequestedDeliveryDate: Text = None
    OverallTotalDeliveryStatus: Text = ""
    OverallOrdReltdBillgStatus: Text = ""
    OverallSDDocumentRejectionSts: Text = ""
    TotalCreditCheckStatus: Text = ""
    DeliveryBlockReason: Text = ""
    metadata: Metadata = msgspec.field(default=Metadata(), name="__metadata")
    to_Item: Results[ItemRow] = Results()
    to_SubsequentProcFlowDoc: Results[FollowingDocument] = Results()


class SimulatedPricing(msgspec.Struct, frozen=True):
    """What a simulated order comes to."""

    TotalNetAmount: Decimal
    TransactionCurrency: str


class SimulatedCredit(msgspec.Struct, frozen=True):
    """What the credit check says of a simulated order."""

    TotalCreditCheckStatus: Text = ""


class SimulationRow(msgspec.Struct, frozen=True):
    """A simulated order."""

    to_Pricing: SimulatedPricing
    to_Item: Results[ItemRow]
    to_Credit: SimulatedCredit | None = None


class Remark(msgspec.Struct, frozen=True):
    """One message of SAP's `sap-message` header."""

    code: Text = ""
    message: Text = ""
    severity: Text = ""


class Remarks(Remark, frozen=True):
    """The header: its first message, and the rest."""

    details: list[Remark] = []


class NewPartner(msgspec.Struct, frozen=True):
    """A partner of an order to be."""

    PartnerFunction: str
    Customer: str


class NewCondition(msgspec.Struct, frozen=True):
    """A price set by hand, per `ConditionQuantity`."""

    ConditionType: str
    ConditionRateValue: str
    ConditionCurrency: str
    ConditionQuantity: str = "1"
    ConditionQuantityUnit: str = ""


class NewItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item of an order to be; an empty navigation asks a simulation for it."""

    Material: str
    RequestedQuantity: str
    RequestedQuantityUnit: str = ""
    to_PricingElement: list[NewCondition] | None = None
    to_ScheduleLine: list[ScheduleLine] | None = None


class NewOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order to be, or one to simulate."""

    SalesOrderType: str
    SalesOrganization: str
    DistributionChannel: str
    OrganizationDivision: str
    SoldToParty: str
    TransactionCurrency: str
    to_Item: list[NewItem]
    PurchaseOrderByCustomer: str = ""
    PurchaseOrderByShipToParty: str = ""
    ExternalDocumentID: str = ""
    RequestedDeliveryDate: str = ""
    to_Partner: list[NewPartner] | None = None
    to_Pricing: dict[str, str] | None = None
    to_Credit: dict[str, str] | None = None


class Rejection(msgspec.Struct, frozen=True):
    """The change that cancels an item."""

    SalesDocumentRjcnReason: str
