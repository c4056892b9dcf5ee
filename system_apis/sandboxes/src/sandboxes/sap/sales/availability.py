"""Available to promise: unrestricted stock less what open orders have reserved."""

from datetime import datetime
from decimal import Decimal

from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.sales.fields import number
from sandboxes.sap.sales.tables import RESERVATIONS, STOCK
from sandboxes.sap.services.material_stock import UNRESTRICTED
from sandboxes.sap.storage import Records


def available(records: Records, material: str, plant: str) -> Decimal:
    """Pieces that can still be promised in a plant; never negative."""
    on_hand = records.find(STOCK, Material=material, Plant=plant, InventoryStockType=UNRESTRICTED)
    reserved = records.get(RESERVATIONS, Material=material, Plant=plant)
    promised = (
        max(number(reserved, "Quantity"), Decimal(0)) if reserved else Decimal(0)
    )  # seeded orders reserve nothing
    stock = sum((number(row, "MatlWrhsStkQtyInMatlBaseUnit") for row in on_hand), Decimal(0))
    return max(stock - promised, Decimal(0))


def reserve(records: Records, material: str, plant: str, quantity: Decimal) -> None:
    """Promise more pieces, or fewer when negative."""
    records.connection.execute(
        f"INSERT INTO {RESERVATIONS.name} VALUES (?1, ?2, ?3) "  # noqa: S608 - model name
        "ON CONFLICT DO UPDATE SET Quantity = calculate('+', Quantity, ?3)",
        (material, plant, format(quantity, "f")),
    )


def schedule_line(quantity: Decimal, confirmed: Decimal, unit: str, requested: datetime) -> Row:
    """The one schedule line of an item; without a confirmed quantity it has no confirmed date."""
    return {
        "ScheduleLine": "1",
        "RequestedDeliveryDate": requested,
        "ConfirmedDeliveryDate": requested if confirmed else None,
        "OrderQuantityUnit": unit,
        "ScheduleLineOrderQuantity": quantity,
        "ConfdOrderQtyByMatlAvailCheck": confirmed,
        "DeliveredQtyInOrderQtyUnit": Decimal(0),
        "OpenConfdDelivQtyInOrdQtyUnit": confirmed,
        "CorrectedQtyInOrderQtyUnit": quantity,
        "DelivBlockReasonForSchedLine": "",
    }
