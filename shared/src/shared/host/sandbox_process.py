"""Runs the stand-in backends beside a topology that asks for them, in a process of their own."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec

from shared.host.child_process import KeptChild
from shared.host.runtime import ensure_secret
from shared.host.settings import SANDBOX
from shared.host.topology import Topology

ENTRY_POINTS = "triptych.sandboxes"
START_SECONDS = 20.0


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
    environment = {
        "SANDBOX_SALESFORCE_PUBLIC_KEY_FILE": str(salesforce_key(state).with_suffix(".pub.pem").resolve()),
        "SANDBOX_SAP_PASSWORD": ensure_secret(state / "sap" / "password").read_text(),
        "SANDBOX_EASYPOST_API_KEY": ensure_secret(state / "easypost" / "api_key").read_text(),
    }
    child = KeptChild("sandboxes", arguments, environment)
    await child.start()
    ensure_salesforce_key(state)  # read when the first client signs in, so made while they start
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


def salesforce_key(state: Path) -> Path:
    """The private key with which the Salesforce connector signs in to the stand-in org."""
    return state / "salesforce" / "private.pem"


def ensure_salesforce_key(state: Path) -> None:
    """Make the key pair of the connected app unless there is one; the private half is readable by us only."""
    private = salesforce_key(state)
    if private.exists():
        return
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only the first start needs it
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private.with_suffix(".pub.pem").write_bytes(public)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
