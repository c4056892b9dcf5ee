"""Keeps batches and merges their files in the folder that it is given, telling each round, until it is killed."""

import asyncio
import itertools
import sys
from datetime import date

from shared.contracts.system.data_warehouse import Column, FactBatch
from system_apis.lake import LakeDataWarehouse
from system_apis.lake.connector import Lake, LakeSettings

BATCHES = 4


async def work_on(folder: str) -> None:
    """Never returns."""
    settings = LakeSettings(folder=folder, threads=1, compact_files=2, grace_seconds=0.0)
    lake = LakeDataWarehouse(Lake(settings))
    for number in itertools.count():
        batch = FactBatch(date(2026, 1, 31), [Column("batch", "integer")], [[number % BATCHES]] * 10)
        await lake.append_facts("killed", f"b-{number % BATCHES}", batch)
        if number % BATCHES == BATCHES - 1:
            await lake.compact_facts("killed")
            print(number, flush=True)


asyncio.run(work_on(sys.argv[1]))
