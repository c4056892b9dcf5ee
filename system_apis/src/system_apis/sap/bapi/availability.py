"""What can be delivered when, where a simulation does not say."""

from datetime import UTC, date, datetime

from msgspec.structs import replace

from shared.contracts.system.erp import OrderRejected
from system_apis.sap.bapi.answer import Fields
from system_apis.sap.bapi.messages import failure
from system_apis.sap.bapi.transport import Parameters, RfcTransport
from system_apis.sap.order_records import ItemRow, ScheduleLine
from system_apis.sap.records import Results
from system_apis.sap.settings import SapSettings

_NO_CHECK = "N"


class BapiAvailability:
    """Asks BAPI_MATERIAL_AVAILABILITY.

    Args:
        settings: `[backends.sap]`.
        rfc: Calls functions.
    """

    def __init__(self, settings: SapSettings, rfc: RfcTransport) -> None:
        self._unit = settings.bapi.quantity_unit
        self._rfc = rfc

    async def scheduled(self, row: ItemRow, item: Fields, wanted: date | None) -> ItemRow:
        """A simulated item with what its plant can deliver; as it is where SAP scheduled it or does not check.

        Args:
            row: The item.
            item: The same as SAP sent it, with its plant.
            wanted: When it is to be delivered; today if nobody said.
        """
        material, plant = item.text("MATERIAL"), item.text("PLANT")
        if row.to_ScheduleLine.results or not material or not plant:
            return row
        day = (wanted or datetime.now(UTC).date()).isoformat()
        asked: Parameters = {
            "PLANT": plant,
            "MATERIAL": material,
            "UNIT": self._unit,
            "WMDVSX": [{"REQ_DATE": day, "REQ_QTY": f"{row.RequestedQuantity:f}"}],
            "WMDVEX": [],
        }
        answer = await self._rfc.call("BAPI_MATERIAL_AVAILABILITY", asked, operation="simulate_order")
        refused = failure(answer)
        if refused is not None and not isinstance(refused, OrderRejected):
            raise refused
        if refused is not None or answer.text("DIALOGFLAG") == _NO_CHECK:
            return row
        return replace(row, to_ScheduleLine=Results([_line(one) for one in answer.table("WMDVEX")]))


def _line(row: Fields) -> ScheduleLine:
    day = row.day("COM_DATE")
    return ScheduleLine(day.isoformat() if day else None, row.number("COM_QTY"))
