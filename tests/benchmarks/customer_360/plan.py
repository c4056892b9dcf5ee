"""The three backend calls of customer-360, as Triptych was seen to make them."""

import os
from pathlib import Path

import msgspec

PLAN_VARIABLE = "CUSTOMER_360_PLAN"


class PlannedCall(msgspec.Struct, frozen=True):
    """A GET; `url` holds `{customer}`, `{number}` or `{partner}` where the id belongs."""

    url: str
    headers: dict[str, str]


class Plan(msgspec.Struct, frozen=True):
    """What an application needs to know to answer customer-360."""

    overview: PlannedCall
    credit: PlannedCall
    orders: PlannedCall
    number_field: str
    partners: dict[str, str]


def read_plan() -> Plan:
    """The plan that the benchmark wrote for this application."""
    return msgspec.json.decode(Path(os.environ[PLAN_VARIABLE]).read_bytes(), type=Plan)
