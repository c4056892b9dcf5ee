from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from shared.host.embedded import EmbeddedValkey, valkey_client


class Time:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0  # a border between buckets of five minutes

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture(scope="package")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedValkey]:
    async with EmbeddedValkey(tmp_path_factory.mktemp("quota")) as server:
        yield server


@pytest.fixture
async def valkey(server: EmbeddedValkey) -> AsyncIterator[Redis]:
    async with valkey_client(server.url) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    """One that a test may stop."""
    async with EmbeddedValkey(tmp_path) as server:
        yield server
