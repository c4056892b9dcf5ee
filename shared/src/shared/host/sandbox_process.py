"""Runs the stand-in backends beside a topology that asks for them, in a process of their own."""

import asyncio
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec

from shared.host.child_process import KeptChild
from shared.host.sandbox_secrets import ensure_keys, sandbox_environment
from shared.host.settings import SANDBOX
from shared.host.topology import Topology

ENTRY_POINTS = "triptych.sandboxes"
START_SECONDS = 90.0


class SandboxesMissing(Exception):  # noqa: N818 - reads as what it is
    """The topology asks for stand-in backends and they cannot run; the text says what to do."""


def wanted_sandboxes(topology: Topology) -> tuple[str, ...]:
    """The stand-in backends that a topology's backends name."""
    urls = [url for section in topology.backends.values() for url in _urls(section)]
    return tuple(sorted({url.removeprefix(SANDBOX) for url in urls if url.startswith(SANDBOX)}))


def _urls(section: Mapping[str, Any]) -> Iterator[str]:
    """The `url` of a section and of the tables inside it, such as further orgs."""
    yield str(section.get("url", ""))
    for value in section.values():
        if isinstance(value, dict):
            yield from _urls(value)  # pyright: ignore[reportUnknownArgumentType] - TOML keys are text


async def start_sandboxes(topology: Topology, state: Path) -> tuple[KeptChild, Path]:
    """Start them; returns the process and the file that will hold their addresses, which a restart takes again.

    Raises:
        SandboxesMissing: The package is not installed.
    """
    packages = [point.value for point in entry_points(group=ENTRY_POINTS)]
    if not packages:
        raise SandboxesMissing("This topology wants stand-in backends; install triptych-sandboxes, or name real urls.")
    directory = state / "sandboxes"
    directory.mkdir(parents=True, exist_ok=True)
    addresses = directory / "addresses.json"
    addresses.unlink(missing_ok=True)
    arguments = [packages[0], "--state", str(directory), "--ports-file", str(addresses)]
    arguments += ["--only", ",".join(wanted_sandboxes(topology))]
    child = KeptChild("sandboxes", arguments, sandbox_environment(topology, state))
    await child.start()
    ensure_keys(topology, state)  # read when the first client signs in, so made while they start
    return child, addresses


async def addresses_of(child: KeptChild, file: Path) -> dict[str, str]:
    """Wait until every stand-in backend listens.

    Raises:
        SandboxesMissing: They ended, or did not listen in time.
    """
    for _ in range(int(START_SECONDS / 0.01)):
        if (addresses := _read_addresses(file)) is not None:
            return addresses
        if child.status is not None:
            raise SandboxesMissing(f"The stand-in backends ended with status {child.status}; see above for why.")
        await asyncio.sleep(0.01)
    raise SandboxesMissing(f"The stand-in backends did not listen within {START_SECONDS:.0f} seconds.")


def _read_addresses(file: Path) -> dict[str, str] | None:
    return msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else None
