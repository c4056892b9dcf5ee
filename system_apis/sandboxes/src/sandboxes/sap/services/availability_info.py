"""API_PRODUCT_AVAILY_INFO_BASIC: availability as function imports; it has no entity sets.

Source: the service's published function signatures.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from sandboxes.sap.odata_v2.behaviour import Behaviour, Work
from sandboxes.sap.odata_v2.edm import FunctionImport, Row, Service, Value, properties
from sandboxes.sap.odata_v2.errors import refuse
from sandboxes.sap.sales.availability import available
from sandboxes.sap.sales.tables import PRODUCT_PLANTS

_PLACE = "ATPCheckingRule:2 Material:40 SupplyingPlant:4"
_HORIZON = timedelta(days=365)
_RECORD = "AvailabilityRecord"

AVAILABILITY_INFO = Service(
    name="API_PRODUCT_AVAILY_INFO_BASIC",
    title="Product Availability Information - Basic (A2X)",
    component="CA-ATP-PAC",
    sets={},
    functions={
        one.name: one
        for one in (
            FunctionImport("CalculateAvailabilityTimeseries", "GET", properties(_PLACE), _RECORD, many=True),
            FunctionImport("DetermineAvailabilityAt", "GET", properties(f"{_PLACE} RequestedUTCDateTime:dto"), _RECORD),
            FunctionImport(
                "DetermineAvailabilityOf", "GET", properties(f"{_PLACE} RequestedQuantityInBaseUnit=15,3"), _RECORD
            ),
        )
    },
    complex_types={
        _RECORD: properties(
            "PeriodStartUTCDateTime:dto PeriodEndUTCDateTime:dto AvailableQuantityInBaseUnit=15,3@BaseUnit BaseUnit:3"
        )
    },
)


def _at(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    moment = arguments["RequestedUTCDateTime"]
    start = moment if isinstance(moment, datetime) else work.now
    return [_record(work, arguments, start)]


def _of(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    """From when the quantity is available; when it never is, the whole horizon with nothing in it."""
    record = _record(work, arguments, work.now)
    wanted, there = arguments["RequestedQuantityInBaseUnit"], record["AvailableQuantityInBaseUnit"]
    if isinstance(wanted, Decimal) and isinstance(there, Decimal) and wanted > there:
        record["AvailableQuantityInBaseUnit"] = Decimal(0)
    return [record]


def _series(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    return [_record(work, arguments, work.now)]


def _record(work: Work, arguments: Mapping[str, Value], start: datetime) -> Row:
    material, plant = str(arguments["Material"]), str(arguments["SupplyingPlant"])
    if work.records.get(PRODUCT_PLANTS, Product=material, Plant=plant) is None:
        raise refuse(400, "ATP_API/004", f"Material {material} does not exist in plant {plant}", "Material")
    return {
        "PeriodStartUTCDateTime": start,
        "PeriodEndUTCDateTime": start + _HORIZON,
        "AvailableQuantityInBaseUnit": available(work.records, material, plant),
        "BaseUnit": "PC",
    }


BEHAVIOUR = Behaviour(
    call={"DetermineAvailabilityAt": _at, "DetermineAvailabilityOf": _of, "CalculateAvailabilityTimeseries": _series}
)
