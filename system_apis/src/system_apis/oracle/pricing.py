"""What an order would cost: Oracle Pricing prices a sales transaction that nobody keeps.

Source: REST API for Oracle Fusion Cloud SCM, "Price Sales Transaction".
"""

from decimal import Decimal
from typing import Any

import msgspec

from shared.binding.problems import BackendFault, FieldError
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.system.erp import OrderRejected
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.faults import plain

_NET, _TAX = "QP_NET_PRICE", "TAX"


class Priced(msgspec.Struct, frozen=True):
    """Net and tax of a line, in the order's currency."""

    net: Decimal
    tax: Decimal


class _Amount(msgspec.Struct, frozen=True):
    Value: Decimal | None = None


class _Component(msgspec.Struct, frozen=True):
    ChargeId: int
    PriceElementUsageCode: str | None = ""
    ExtendedAmount: _Amount = _Amount()
    HeaderCurrencyExtendedAmount: _Amount | None = None


class _Charge(msgspec.Struct, frozen=True):
    ChargeId: int
    ParentEntityId: int
    ParentEntityCode: str | None = "LINE"
    RollupFlag: bool | None = False


class _Message(msgspec.Struct, frozen=True):
    MessageText: str | None = ""
    MessageTypeCode: str | None = "ERROR"
    ParentEntityId: int | None = None


class _Transaction(msgspec.Struct, frozen=True):
    Charge: list[_Charge] = []
    ChargeComponent: list[_Component] = []
    PricingMessage: list[_Message] = []


class Pricing:
    """Prices orders.

    Args:
        oracle: The pod.
    """

    def __init__(self, oracle: OracleConnector) -> None:
        self._oracle = oracle
        self._settings = oracle.settings

    async def price(self, order: NewErpOrder, party_id: int) -> list[Priced]:
        """Net and tax of each line, at our price where the order names one, else at Oracle's.

        Raises:
            OrderRejected: A line cannot be priced; says which.
        """
        body = self._body(order, party_id)
        path = self._settings.pricing_path
        answer = await self._oracle.act(
            path, body, _Transaction, "simulate_order", refusal=OrderRejected, repeatable=True,
            media_type="application/json",
        )  # fmt: skip
        errors = [
            FieldError(plain(one.MessageText or ""), _pointer(one, order))
            for one in answer.PricingMessage
            if one.MessageTypeCode == "ERROR"
        ]
        if errors:
            raise OrderRejected("Oracle cannot price the order; see `errors`.", errors=errors)
        return [_priced(answer, line) for line in range(1, len(order.lines) + 1)]

    def _body(self, order: NewErpOrder, party_id: int) -> dict[str, Any]:
        header = {
            "HeaderId": 1,
            "CustomerId": party_id,
            "SellingBusinessUnitName": self._settings.business_unit,
            "TransactionTypeCode": "ORA_SALES_ORDER",
            "OverrideCurrencyCode": order.currency,
            "CalculatePricingChargesFlag": True,
            "CalculateShippingChargesFlag": False,
            "CalculateTaxFlag": True,
        }
        lines = [
            {
                "HeaderId": 1,
                "LineId": place,
                "InventoryItemNumber": line.sku,
                "InventoryOrganizationCode": self._settings.organization,
                "LineQuantity": {"Value": line.quantity, "UomCode": self._settings.quantity_unit},
                "LineQuantityUOMCode": self._settings.quantity_unit,
                "LineCategoryCode": "ORDER",
                "LineTypeCode": "ORA_BUY",
            }
            for place, line in enumerate(order.lines, 1)
        ]
        by_hand = [
            {
                "ManualPriceAdjustmentId": place,
                "ParentEntityCode": "LINE",
                "ParentEntityId": place,
                "AdjustmentTypeCode": "PRICE_OVERRIDE",
                "AdjustmentValue": line.unit_price.amount,
                "ChargeDefinitionCode": "QP_SALE_PRICE",
                "SequenceNumber": 1,
            }
            for place, line in enumerate(order.lines, 1)
            if line.unit_price is not None
        ]
        parameters = {"PricingContext": "SALES", "PerformValueIdConversionsFlag": True}
        body: dict[str, Any] = {"Header": [header], "Line": lines, "PricingServiceParameter": parameters}
        return body | ({"ManualPriceAdjustment": by_hand} if by_hand else {})


def _pointer(message: _Message, order: NewErpOrder) -> str | None:
    line = message.ParentEntityId
    return f"/lines/{line - 1}" if line is not None and 1 <= line <= len(order.lines) else None


def _priced(answer: _Transaction, line: int) -> Priced:
    charges = {
        one.ChargeId
        for one in answer.Charge
        if one.ParentEntityId == line and one.ParentEntityCode == "LINE" and not one.RollupFlag
    }
    nets = _amounts(answer, charges, _NET)
    if not nets:
        raise BackendFault("Oracle Pricing left out the price of a line.")
    return Priced(sum(nets, Decimal(0)), sum(_amounts(answer, charges, _TAX), Decimal(0)))


def _amounts(answer: _Transaction, charges: set[int], usage: str) -> list[Decimal]:
    found = [
        (one.HeaderCurrencyExtendedAmount or one.ExtendedAmount).Value
        for one in answer.ChargeComponent
        if one.ChargeId in charges and one.PriceElementUsageCode == usage
    ]
    return [one for one in found if one is not None]
