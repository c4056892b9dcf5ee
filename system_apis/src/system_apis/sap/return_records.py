# ruff: noqa: N815 - the fields are SAP's, spelled as SAP spells them
"""What SAP sends and takes of returns and their credits, in SAP's spelling.

Source: the published entities of API_CUSTOMER_RETURN_SRV, API_CREDIT_MEMO_REQUEST_SRV and API_BILLING_DOCUMENT_SRV.
"""

from decimal import Decimal

import msgspec

from system_apis.sap.records import Metadata, Results, Text


class ReturnItemRow(msgspec.Struct, frozen=True):
    """An item of a customer return."""

    CustomerReturnItem: str
    Material: str
    RequestedQuantity: Decimal
    NetAmount: Decimal
    ReferenceSDDocument: Text = ""
    ReferenceSDDocumentItem: Text = ""
    SalesDocumentRjcnReason: Text = ""
    metadata: Metadata = msgspec.field(default=Metadata(), name="__metadata")


class ReturnRow(msgspec.Struct, frozen=True):
    """A customer return."""

    CustomerReturn: str
    TotalNetAmount: Decimal
    TransactionCurrency: str
    PurchaseOrderByCustomer: Text = ""
    OverallSDDocumentRejectionSts: Text = ""
    metadata: Metadata = msgspec.field(default=Metadata(), name="__metadata")
    to_Item: Results[ReturnItemRow] = Results()


class ReturnNumber(msgspec.Struct, frozen=True):
    """Which return an item belongs to."""

    CustomerReturn: str


class CreditRequestRow(msgspec.Struct, frozen=True):
    """A credit memo request."""

    CreditMemoRequest: str
    TotalNetAmount: Decimal
    TransactionCurrency: str
    OverallSDDocumentRejectionSts: Text = ""


class CreditItemRow(msgspec.Struct, frozen=True):
    """An item of a credit memo request, with its request."""

    to_CreditMemoRequest: CreditRequestRow
    SalesDocumentRjcnReason: Text = ""


class CreditMemoRow(msgspec.Struct, frozen=True):
    """A billing document."""

    BillingDocument: str
    BillingDocumentDate: Text = None
    BillingDocumentIsCancelled: bool = False


class CreditMemoItemRow(msgspec.Struct, frozen=True):
    """An item of a billing document, with its document."""

    to_BillingDocument: CreditMemoRow


class NewReturnItem(msgspec.Struct, frozen=True):
    """An item of a return to be: how much of which item of the order."""

    ReferenceSDDocument: str
    ReferenceSDDocumentItem: str
    Material: str
    RequestedQuantity: str
    ReturnReason: str


class NewReturn(msgspec.Struct, frozen=True, omit_defaults=True):
    """A customer return to be."""

    CustomerReturnType: str
    SalesOrganization: str
    DistributionChannel: str
    OrganizationDivision: str
    PurchaseOrderByCustomer: str
    ReferenceSDDocument: str
    to_Item: list[NewReturnItem]
    SDDocumentReason: str = ""


class NewCreditItem(msgspec.Struct, frozen=True):
    """An item of a credit memo request to be: an item of the return."""

    ReferenceSDDocument: str
    ReferenceSDDocumentItem: str
    Material: str
    RequestedQuantity: str


class NewCreditRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A credit memo request to be."""

    CreditMemoRequestType: str
    SalesOrganization: str
    DistributionChannel: str
    OrganizationDivision: str
    PurchaseOrderByCustomer: str
    ReferenceSDDocument: str
    to_Item: list[NewCreditItem]
    SDDocumentReason: str = ""
