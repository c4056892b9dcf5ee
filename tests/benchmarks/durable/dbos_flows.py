"""DBOS under the load: `python dbos_flows.py sqlite FOLDER IN_FLIGHT SECONDS`, `sqlite-wal FOLDER …`, `postgres URL …`.

As its documentation shows it: the asynchronous API, a workflow id for each key, steps that are awaited. Its settings
are its defaults. It logs nothing below a warning and exports no traces; on the same event loop as ours, uvloop. The
workflow is awaited directly: no queue and no handle that would have to look for the result. `sqlite-wal` is a file
that was put into WAL before, which DBOS does not do itself; both sync every commit, as ours does.
"""

import sqlite3
import sys
import uuid
from pathlib import Path

import uvloop
from dbos import DBOS, DBOSConfig, SetWorkflowID
from postgres_server import PASSWORD
from workload import Item, StepClock, drive

_clock = StepClock()


@DBOS.step()
async def get_item(item_id: str) -> dict[str, str | int]:
    _clock.begins(item_id)
    _clock.answers(item_id)
    return {"item_id": item_id, "amount": 1, "note": Item(item_id, 1).note}


@DBOS.step()
async def create_item(item: dict[str, str | int]) -> dict[str, str | int]:
    _clock.begins(str(item["item_id"]))
    _clock.answers(str(item["item_id"]))
    return item


@DBOS.workflow()
async def four_steps(item: dict[str, str | int]) -> dict[str, str | int]:
    first = await get_item(str(item["item_id"]))
    second = await get_item(str(first["item_id"]))
    third = await create_item(second)
    return await create_item(third)


async def call(key: str, item: Item) -> None:
    """Run the workflow of a key."""
    with SetWorkflowID(key):
        await four_steps({"item_id": item.item_id, "amount": item.amount, "note": item.note})


def database(kind: str, where: str) -> str:
    """The URL of a database of its own, as DBOS takes it."""
    if kind == "postgres":
        return where.replace("postgresql://keeper@", f"postgresql+psycopg://keeper:{PASSWORD}@")
    path = Path(where) / f"{uuid.uuid4().hex}.db"
    if kind == "sqlite-wal":
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    return f"sqlite:///{path}"


async def measure(in_flight: int, seconds: float) -> None:
    """Print the figures."""
    DBOS.launch()
    await drive(call, _clock, in_flight, seconds)


if __name__ == "__main__":
    DBOS(config=DBOSConfig(name="bench", system_database_url=database(*sys.argv[1:3]), log_level="WARNING"))
    uvloop.run(measure(int(sys.argv[3]), float(sys.argv[4])))
    DBOS.destroy()
