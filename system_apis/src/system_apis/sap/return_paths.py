"""The addresses of returns, their credits and the credit memos."""

from typing import Final

from system_apis.sap.odata import encoded, key, options, text_literal
from system_apis.sap.settings import SapSettings

_RETURN = (
    "CustomerReturn,TotalNetAmount,TransactionCurrency,PurchaseOrderByCustomer,OverallSDDocumentRejectionSts,"
    "to_Item/CustomerReturnItem,to_Item/Material,to_Item/RequestedQuantity,to_Item/NetAmount,"
    "to_Item/ReferenceSDDocument,to_Item/ReferenceSDDocumentItem,to_Item/SalesDocumentRjcnReason"
)
_CREDIT = (
    "SalesDocumentRjcnReason,to_CreditMemoRequest/CreditMemoRequest,to_CreditMemoRequest/TotalNetAmount,"
    "to_CreditMemoRequest/TransactionCurrency,to_CreditMemoRequest/OverallSDDocumentRejectionSts"
)
_MEMO = (
    "to_BillingDocument/BillingDocument,to_BillingDocument/BillingDocumentDate,"
    "to_BillingDocument/BillingDocumentIsCancelled"
)


class ReturnPaths:
    """Paths with queries, from SAP's root.

    Attributes:
        returns: Where a customer return is created.
        batch: Where several changes of one go.
        credits: Where a credit memo request is created.
    """

    def __init__(self, settings: SapSettings) -> None:
        logon = f"sap-client={encoded(settings.client)}&sap-language={encoded(settings.language)}"
        self._returns = settings.customer_return_service
        self._credits = settings.credit_memo_request_service
        self._billing = settings.billing_service
        self.returns: Final = f"{self._returns}/A_CustomerReturn?{logon}"
        self.batch: Final = f"{self._returns}/$batch?{logon}"
        self.credits: Final = f"{self._credits}/A_CreditMemoRequest?{logon}"
        self._whole = f"{options({'select': _RETURN, 'expand': 'to_Item'})}&{logon}"
        numbers = {"select": "CustomerReturn", "orderby": "CustomerReturn,CustomerReturnItem"}
        self._numbers = f"{options(numbers)}&{logon}"
        self._credit = f"{options({'select': _CREDIT, 'expand': 'to_CreditMemoRequest'})}&{logon}"
        self._memo = f"{options({'select': _MEMO, 'expand': 'to_BillingDocument'})}&{logon}"

    def document(self, number: str) -> str:
        """A return with its items."""
        return f"{self._returns}/{key('A_CustomerReturn', number)}?{self._whole}"

    def with_reference(self, reference: str) -> str:
        """The returns that were made under this reference, first things first."""
        condition = _equals("PurchaseOrderByCustomer", reference)
        return f"{self._returns}/A_CustomerReturn?{condition}&$orderby=CustomerReturn&{self._whole}"

    def of_order(self, order: str) -> str:
        """The numbers of the returns whose items refer to an order, as often as they have such items."""
        return f"{self._returns}/A_CustomerReturnItem?{_equals('ReferenceSDDocument', order)}&{self._numbers}"

    def credits_of(self, number: str) -> str:
        """The items of credit memo requests that refer to a return, whoever made them."""
        return f"{self._credits}/A_CreditMemoRequestItem?{_equals('ReferenceSDDocument', number)}&{self._credit}"

    def memos_of(self, request: str) -> str:
        """The items of billing documents that billed a credit memo request."""
        return f"{self._billing}/A_BillingDocumentItem?{_equals('SalesDocument', request)}&{self._memo}"


def return_item_path(number: str, item: str) -> str:
    """An item, below its service's root."""
    return key("A_CustomerReturnItem", CustomerReturn=number, CustomerReturnItem=item)


def _equals(name: str, value: str) -> str:
    return f"$filter={encoded(f'{name} eq {text_literal(value)}')}"
