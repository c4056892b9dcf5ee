"""Subscribers in child processes that are killed while they take an org's changes; prints the number of kills.

    python killed_subscribers.py FOLDER EVENTS BATCH KILLS SEED < settings as JSON

Each change starts a flow, in the commit that moves the position. The last child lives until all are there.
"""

import asyncio
import importlib
import json
import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from shared.contracts.system.salesforce_events import ChangeEvent
from shared.durable import subscriber
from shared.durable.flow import Flow
from shared.durable.journal import Consumption
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.subscriber import Subscriber
from shared.durable.subscription import Subscription
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import decode_secret
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.events.source import OrgChannels


class AccountChangeEvent(ChangeEvent, frozen=True):
    """A change of an account."""


class Apply(Flow[str, str], version=1):
    async def run(self, request: str) -> str:
        return request


def key(change: AccountChangeEvent) -> str:
    """Of the change, not of its event: two events of one change would be one flow; two of one event never are two."""
    return f"apply-{change.fields['Phone']}"


applying = Subscription("applying", AccountChangeEvent, Apply, key=key, request=lambda change: change.fields["Phone"])


def applied(folder: Path) -> int:
    with sqlite3.connect(folder / "journal.db") as connection:
        (count,) = connection.execute("SELECT count(*) FROM flow").fetchone()
    connection.close()
    return count


async def nothing(*_: Any) -> Any:
    raise AssertionError("these flows call nobody")


def watch(runner: FlowRunner, folder: Path) -> None:
    """Note each event that comes although a commit has dealt with it."""
    consume = runner.consume

    async def watched(consumption: Consumption) -> frozenset[str] | None:
        started = await consume(consumption)
        if started is not None and len(started) != len(consumption.starts):
            with (folder / "again").open("a") as file:
                file.writelines(f"{flow.flow_id}\n" for flow in consumption.starts if flow.flow_id not in started)
        return started

    runner.consume = watched  # type: ignore[method-assign]


async def take(folder: Path, events: int, settings: SalesforceSettings, told: int) -> None:
    journal, wire = SqliteJournal(folder / "journal.db"), open_wire()
    await journal.open()
    channels = OrgChannels(SalesforceConnector(settings, Outbound(wire)))
    runner = FlowRunner(journal, [Apply], nothing)
    watch(runner, folder)
    consumer = Subscriber(runner, journal, applying, channels.source("/data/AccountChangeEvent"))
    while await consumer.look(1.0) or applied(folder) < events:
        os.write(told, b".")
    await channels.aclose()
    await wire.aclose()
    await journal.close()


def killed(folder: Path, events: int, settings: SalesforceSettings, seconds: float | None) -> bool:
    """Let a child take changes, and kill it so long after its first (never if None); False if it was done before."""
    hears, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        asyncio.run(take(folder, events, settings, tells))
        os._exit(0)
    os.close(tells)
    os.read(hears, 1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    while os.read(hears, 65_536):
        pass
    os.close(hears)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0, status
    return os.WIFSIGNALED(status)


def main(folder: Path, events: int, batch: int, kills: int, seed: int) -> None:
    settings = msgspec.convert(json.loads(sys.stdin.readline()), SalesforceSettings, dec_hook=decode_secret)
    importlib.import_module("system_apis.salesforce.events.messages")  # once for all children
    subscriber.BATCH, chance, done = batch, random.Random(seed), 0
    while done < kills and killed(folder, events, settings, chance.uniform(0.0, 0.5 * events / kills / 1_000)):
        done += 1
    killed(folder, events, settings, None)
    print(json.dumps({"kills": done}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
