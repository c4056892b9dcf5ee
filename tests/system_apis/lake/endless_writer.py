"""Keeps one batch after the other in the folder that it is given, telling each number, until it is killed."""

import asyncio
import itertools
import sys
from datetime import date

from shared.contracts.system.data_warehouse import Column, FactBatch
from system_apis.lake import LakeDataWarehouse
from system_apis.lake.connector import Lake, LakeSettings


async def write_on(folder: str) -> None:
    """Never returns."""
    lake = LakeDataWarehouse(Lake(LakeSettings(folder=folder, threads=1)))
    for number in itertools.count():
        batch = FactBatch(date(2026, 1, 31), [Column("batch", "integer")], [[number]] * 1000)
        await lake.append_facts("killed", f"b-{number}", batch)
        print(number, flush=True)


asyncio.run(write_on(sys.argv[1]))
