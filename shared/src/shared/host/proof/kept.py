"""What one worker was told and the next would be told alike: credentials, and PostgreSQL's built-in types.

A worker lives for a few steps; without this it would spend most of them on greetings. What is kept is real: a backend
refuses a token that is no longer good, and then it is fetched anew.
"""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from shared.resilience.credentials import FetchedCredentials

_types: dict[frozenset[int], Any] = {}  # filled before the fork


@contextmanager
def kept(credentials: Path, *, postgres: bool) -> Generator[None]:
    """Keep them for the workers to come: credentials in a file, types in this process and its children."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(FetchedCredentials, "_obtain", _kept_credentials(credentials)))
        if postgres:
            from asyncpg import Connection  # type: ignore[import-untyped]  # noqa: PLC0415 - the driver is optional

            connection: Any = Connection
            asking = _kept_types(connection._introspect_types)  # noqa: SLF001 - it has no other place for it
            stack.enter_context(patch.object(connection, "_introspect_types", asking))
        yield


def _kept_credentials(file: Path) -> Callable[[FetchedCredentials], Any]:
    obtain = FetchedCredentials._obtain  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    known = _read(file)

    async def obtain_once(credentials: FetchedCredentials) -> Mapping[str, str]:
        fetch: Any = credentials._fetch  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        name = fetch.__qualname__
        if name in known:
            return known.pop(name)
        headers = await obtain(credentials)
        _write(file, {**_read(file), name: dict(headers)})
        return headers

    return obtain_once


def _kept_types(introspect: Callable[..., Any]) -> Callable[..., Any]:
    async def introspect_once(connection: Any, types: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - asyncpg's own
        wanted = frozenset(types)
        if wanted not in _types:
            _types[wanted] = await introspect(connection, types, timeout)
        return _types[wanted]

    return introspect_once


def _read(file: Path) -> dict[str, dict[str, str]]:
    return msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, str]]) if file.exists() else {}


def _write(file: Path, credentials: dict[str, dict[str, str]]) -> None:
    draft = file.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.encode(credentials))
    draft.replace(file)
