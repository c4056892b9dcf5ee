"""`python -m sandboxes --state DIR --ports-file FILE`: every stand-in backend on its own loopback port."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import uvloop

from sandboxes.kit import UnknownSandboxError, serve_all


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandboxes", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the databases; kept over restarts")
    parser.add_argument(
        "--ports-file",
        type=Path,
        help="JSON of name to URL, written when all of them listen; the ports it already names are taken again",
    )
    parser.add_argument("--only", default="", help="names separated by commas; all when left out")
    return parser.parse_args()


def _announce(ports_file: Path | None, urls: Mapping[str, str]) -> None:
    for name, url in urls.items():
        sys.stdout.write(f"{name:12} {url}\n")
    sys.stdout.flush()
    if ports_file:
        # Readers poll for the file: it must never be there half written.
        partial_file = ports_file.with_name(f"{ports_file.name}.{os.getpid()}")
        partial_file.write_bytes(msgspec.json.encode(urls))
        partial_file.replace(ports_file)


def _known_ports(ports_file: Path | None) -> dict[str, int]:
    """The ports of a run that ended: whoever started us has handed them out."""
    if ports_file is None or not ports_file.exists():
        return {}
    urls = msgspec.json.decode(ports_file.read_bytes(), type=dict[str, str])
    return {name: port for name, url in urls.items() if (port := urlsplit(url).port)}


async def _serve(arguments: argparse.Namespace) -> None:
    until = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, until.set)
    only = frozenset(name for name in arguments.only.split(",") if name)
    ports = _known_ports(arguments.ports_file)
    await serve_all(arguments.state, only, partial(_announce, arguments.ports_file), until, ports)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    arguments = _arguments()
    arguments.state.mkdir(parents=True, exist_ok=True)
    try:
        uvloop.run(_serve(arguments))
    except UnknownSandboxError as unknown:
        sys.exit(str(unknown))


if __name__ == "__main__":
    main()
