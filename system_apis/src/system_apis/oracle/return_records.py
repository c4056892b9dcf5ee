# ruff: noqa: N815 - the fields are Oracle's, spelled as Oracle spells them
"""What Oracle sends and takes of credit memos, in Oracle's spelling; a return is an order (`order_records`).

Source: REST API for Oracle Fusion Cloud Financials, "Receivables Credit Memos".
"""

from decimal import Decimal

import msgspec

from system_apis.oracle.order_records import Text


class CreditMemoRow(msgspec.Struct, frozen=True):
    """A credit memo on account."""

    TransactionNumber: str
    CreditMemoStatus: Text = ""
    AccountingDate: Text = None
    TransactionDate: Text = None


class NewCreditLine(msgspec.Struct, frozen=True):
    """A line of a credit memo to be; its amount is below zero."""

    LineNumber: int
    LineDescription: str
    LineAmount: Decimal


class NewCreditMemo(msgspec.Struct, frozen=True):
    """A credit memo to be, under a number of ours."""

    TransactionNumber: str
    TransactionSource: str
    TransactionType: str
    BusinessUnit: str
    BillToCustomerNumber: str
    CreditMemoCurrency: str
    receivablesCreditMemoLines: list[NewCreditLine]
