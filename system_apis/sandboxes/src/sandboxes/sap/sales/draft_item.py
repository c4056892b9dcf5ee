"""One item of an order: material, quantity, plant, price and schedule line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.odata_v2.errors import Message
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.availability import available, schedule_line
from sandboxes.sap.sales.credit_check import convert
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.pricing import ManualCondition, price_item
from sandboxes.sap.sales.tables import LIST_PRICES, PRODUCT_DESCRIPTIONS, PRODUCT_PLANTS, PRODUCT_SALES, PRODUCTS
from sandboxes.sap.storage import Records

PIECE_UNITS = {"PC": "PC", "ST": "PC", "PCE": "PC", "": "PC"}  # English, German and ISO code of a piece
BLOCKED_STATUSES = frozenset({"01", "02"})


@dataclass(frozen=True, slots=True)
class Terms:
    """What an item takes from its order."""

    organization: str
    channel: str
    currency: str
    country: str
    plant: str
    requested: datetime
    priced: datetime
    payment_terms: str
    order_reference: str


@dataclass(slots=True)
class DraftItem:
    """A checked item with its conditions and schedule line."""

    row: Row
    conditions: list[Row]
    schedule: Row
    quantity: Decimal
    confirmed: Decimal
    net: Decimal


def draft_item(
    records: Records,
    sent: Mapping[str, Value],
    manual: Sequence[ManualCondition],
    terms: Terms,
    promised: dict[tuple[str, str], Decimal],
) -> DraftItem | Message:
    """Check and complete one item, or say what is wrong with it.

    `promised` counts what earlier items of the same order take per material and plant; it is updated.
    """
    material, quantity = text(sent, "Material"), number(sent, "RequestedQuantity")
    product = records.get(PRODUCTS, Product=material)
    sold = records.get(
        PRODUCT_SALES, Product=material, ProductSalesOrg=terms.organization, ProductDistributionChnl=terms.channel
    )
    if product is None or sold is None:
        return messages.material_unknown(material, f"{terms.organization} {terms.channel}")
    if text(product, "CrossPlantStatus") in BLOCKED_STATUSES or text(sold, "ProductSalesStatus") in BLOCKED_STATUSES:
        return messages.material_blocked(material)
    if quantity <= 0:
        return messages.quantity(text(sent, "SalesOrderItem"))
    unit = (
        text(sent, "RequestedQuantityUnit")
        or text(sent, "RequestedQuantitySAPUnit")
        or text(sent, "RequestedQuantityISOUnit")
    )
    if unit not in PIECE_UNITS:
        return messages.unit(material, unit)
    plant = _plant(records, sent, material, quantity, terms, promised)
    if records.get(PRODUCT_PLANTS, Product=material, Plant=plant) is None:
        return messages.plant(material, plant)
    confirmed = min(quantity, _left(records, material, plant, promised))
    promised[material, plant] = promised.get((material, plant), Decimal(0)) + confirmed
    return _completed(records, sent, product, manual, terms, plant, confirmed)


def _completed(
    records: Records,
    sent: Mapping[str, Value],
    product: Row,
    manual: Sequence[ManualCondition],
    terms: Terms,
    plant: str,
    confirmed: Decimal,
) -> DraftItem:
    material, quantity = text(sent, "Material"), number(sent, "RequestedQuantity")
    listed = convert(
        records, number(records.get(LIST_PRICES, Material=material) or {}, "Amount"), "EUR", terms.currency
    )
    priced = price_item(listed, quantity, terms.currency, terms.country, manual, terms.priced)
    described = records.get(PRODUCT_DESCRIPTIONS, Product=material, Language="EN") or {}
    row = _identity(sent, text(described, "ProductDescription"), terms, plant) | {
        "RequestedQuantity": quantity,
        "ConfdDelivQtyInOrderQtyUnit": confirmed,
        "ItemGrossWeight": number(product, "GrossWeight") * quantity,
        "ItemNetWeight": number(product, "NetWeight") * quantity,
        "ItemWeightUnit": text(product, "WeightUnit"),
        "MaterialGroup": text(product, "ProductGroup"),
        "NetAmount": priced.net,
        "TaxAmount": priced.tax,
        "Subtotal1Amount": priced.gross_value,
        "Subtotal2Amount": priced.net,
        "SDProcessStatus": "A",
        "DeliveryStatus": "A",
    }
    schedule = schedule_line(quantity, confirmed, "PC", terms.requested)
    return DraftItem(row, list(priced.elements), schedule, quantity, confirmed, priced.net)


def _identity(sent: Mapping[str, Value], description: str, terms: Terms, plant: str) -> Row:
    return dict(sent) | {
        "SalesOrderItemCategory": text(sent, "SalesOrderItemCategory") or "TAN",
        "SalesOrderItemText": text(sent, "SalesOrderItemText") or description,
        "PurchaseOrderByCustomer": text(sent, "PurchaseOrderByCustomer") or terms.order_reference,
        "PricingDate": terms.priced,
        "RequestedQuantityUnit": "PC",
        "RequestedQuantitySAPUnit": "ST",
        "RequestedQuantityISOUnit": "PCE",
        "OrderQuantityUnit": "PC",
        "TransactionCurrency": terms.currency,
        "ProductionPlant": plant,
        "ShippingPoint": plant,
        "CustomerPaymentTerms": text(sent, "CustomerPaymentTerms") or terms.payment_terms,
    }


def _plant(
    records: Records,
    sent: Mapping[str, Value],
    material: str,
    quantity: Decimal,
    terms: Terms,
    promised: Mapping[tuple[str, str], Decimal],
) -> str:
    """The plant asked for, else the customer's if it can deliver all, else the one that can deliver most."""
    if asked := text(sent, "ProductionPlant") or text(sent, "Plant"):
        return asked
    kept = [text(one, "Plant") for one in records.find(PRODUCT_PLANTS, Product=material)]
    if not kept or _left(records, material, terms.plant, promised) >= quantity:
        return terms.plant
    return max(kept, key=lambda plant: (_left(records, material, plant, promised), plant == terms.plant))


def _left(records: Records, material: str, plant: str, promised: Mapping[tuple[str, str], Decimal]) -> Decimal:
    return max(available(records, material, plant) - promised.get((material, plant), Decimal(0)), Decimal(0))
