"""The stand-in backends, started as any topology starts them, and the replaying backends in front of them."""

import asyncio
import contextlib
import json
import sys
import tomllib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
from customer_360.cores import LOAD_CORE, ended, ending, started
from customer_360.replay import CONTROL, Recording

from shared.host.sandbox_process import addresses_of, start_sandboxes
from shared.host.topology import load_topology

APART = "coalesce_milliseconds = 0"
"""Every request makes its own calls, as those of the other contestants do."""
ROOT = Path(__file__).resolve().parents[3]
TOPOLOGIES = ROOT / "deploy" / "topologies"
_WIDE = """
[tiers.{tier}.default]
name = "{tier}"
limit = 60000000
window_seconds = 60
burst = 1000000
"""


@dataclass(frozen=True)
class Backends:
    """Where everything answers.

    Attributes:
        state: The state directory with the secrets by which the stand-in backends know us.
        addresses: URL of each backend by name: the replaying one where there is one.
        origins: URL of each stand-in backend by name.
    """

    state: Path
    addresses: dict[str, str]
    origins: dict[str, str]

    def topology(self, name: str, folder: Path, salesforce: str = APART, *, live: bool = False) -> Path:
        """One of the suite's own topologies with these backends and allowances that nobody exhausts.

        Args:
            name: Of the topology.
            folder: Where to write it.
            salesforce: Further settings of Salesforce.
            live: Whether Salesforce is the stand-in backend itself, not the replaying one.
        """
        text = (TOPOLOGIES / f"{name}.toml").read_text()
        text = text.replace('url = "sandbox:salesforce"', f'url = "sandbox:salesforce"\n{salesforce}')
        addresses = {**self.addresses, "salesforce": self.origins["salesforce"]} if live else self.addresses
        for backend, address in addresses.items():
            text = text.replace(f'"sandbox:{backend}"', json.dumps(address))
        text = text.replace("{state}", str(self.state.resolve()))
        text += "".join(_WIDE.format(tier=tier) for tier in ("gold", "internal"))
        tomllib.loads(text)
        path = folder / f"{name}.toml"
        path.write_text(text)
        return path

    async def control(self, act: str = "") -> Recording:
        """Ask the replaying backends what was asked, or tell them something first: `/forget`, `/latency/0.005`."""
        url = next(url for url in self.addresses.values() if url.startswith("http")) + CONTROL + act
        async with httpx.AsyncClient() as http:
            return msgspec.json.decode((await http.post(url)).content, type=Recording)


@asynccontextmanager
async def running_backends(state: Path, log: Path) -> AsyncGenerator[Backends]:
    """Stand-in and replaying backends, alive for the length of the block."""
    sandboxes, file = await start_sandboxes(load_topology(TOPOLOGIES / "fused.toml"), state)
    try:
        origins = await addresses_of(sandboxes, file)
        web = {name: url for name, url in origins.items() if urlsplit(url).scheme == "http"}
        arguments = [sys.executable, "-m", "customer_360.replay", *(f"{name}={url}" for name, url in web.items())]
        file = log.with_suffix(".addresses")
        replay = started(arguments, LOAD_CORE, {"PYTHONPATH": str(Path(__file__).parents[1])}, file)
        try:
            yield Backends(state, {**origins, **await _addresses(file)}, origins)
        finally:
            ended(replay)
    finally:
        await sandboxes.stop()


async def _addresses(file: Path) -> dict[str, str]:
    for _ in range(500):
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(ending(file), type=dict[str, str])
        await asyncio.sleep(0.01)
    raise SystemExit(f"The replaying backends did not start:\n{ending(file)}")
