"""A process that loads records until it is killed: `python killed_load.py`, arguments as JSON on standard input.

Its checkpoint goes into a file, written as a whole before anything rests on it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.salesforce.bulk.checkpoint import LoadCheckpoint
from system_apis.salesforce.bulk.loading import BulkLoads, LoadSpec
from system_apis.salesforce.bulk.outcomes import Outcome
from system_apis.salesforce.bulk.settings import BulkSettings
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings


class Arguments(msgspec.Struct):
    """What to load, and where to die: at the `at`th time that `point` is passed."""

    url: str
    username: str
    private_key: str
    checkpoint: str
    told: str
    spec: LoadSpec
    records: list[dict[str, Any]]
    point: str
    at: int

    def opened(self) -> BinaryIO:
        return Path(self.told).open("ab")

    @staticmethod
    def kept(file: Path) -> LoadCheckpoint | None:
        return msgspec.json.decode(file.read_bytes(), type=LoadCheckpoint) if file.exists() else None


class Killed:
    """Ends this process the hard way when a point was passed so often."""

    def __init__(self, arguments: Arguments) -> None:
        self._point, self._left = arguments.point, arguments.at

    def passing(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


async def main(arguments: Arguments) -> None:
    killed, wire, file = Killed(arguments), open_wire(), Path(arguments.checkpoint)
    out = arguments.opened()
    settings = SalesforceSettings(
        url=arguments.url, username=arguments.username, private_key=Secret(arguments.private_key)
    )
    bulk = BulkSettings(first_poll=0.02, longest_poll=0.05, follow_ups=(0.01,), records_per_job=25)
    loads = BulkLoads(SalesforceConnector(settings, Outbound(wire)), bulk)
    upload, release = loads.jobs.upload, loads.jobs.release

    async def uploaded(job: str, content: bytes) -> None:
        await upload(job, content)
        killed.passing("uploaded")

    async def released(job: str) -> None:
        killed.passing("kept")
        await release(job)
        killed.passing("released")

    async def tell(outcomes: Sequence[Outcome]) -> None:
        out.write(b"".join(msgspec.json.encode(each) + b"\n" for each in outcomes))
        out.flush()
        killed.passing("told")

    async def keep(checkpoint: LoadCheckpoint) -> None:
        whole = file.with_suffix(".new")
        whole.write_bytes(msgspec.json.encode(checkpoint))
        whole.replace(file)

    loads.jobs.upload, loads.jobs.release = uploaded, released
    checkpoint = arguments.kept(file)
    await loads.load(arguments.spec, arguments.records, tell, keep=keep, checkpoint=checkpoint)
    await wire.aclose()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.stdin.buffer.read(), type=Arguments)))
