"""Signing on to the stand-in with a key: no password leaves the house, and a token that ends is replaced."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandboxes.oracle import CLIENT_ID, KEY_ID, SCOPE, development_key
from shared.contracts.canonical.order import NewErpOrder
from shared.security.secrets import Secret
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.service import OracleErp


@pytest.mark.parametrize("secret", ["sandbox-only", ""])
async def test_an_order_is_placed_with_a_signed_assertion(
    control: Any,
    connect: Callable[..., OracleConnector],
    sandbox_url: str,
    new_order: Callable[..., NewErpOrder],
    tmp_path: Path,
    secret: str,
) -> None:
    key, client_secret = tmp_path / "private.pem", tmp_path / "client_secret"
    key.write_bytes(development_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    client_secret.write_text(secret)
    erp = OracleErp(
        connect(
            sandbox_url,
            auth="jwt-bearer",
            iam_url=sandbox_url,
            client_id=CLIENT_ID,
            client_secret=Secret(f"file:{client_secret}") if secret else None,
            key_id=KEY_ID,
            private_key=Secret(f"file:{key}"),
            scope=SCOPE,
        )
    )
    placed = await erp.create_order(new_order())
    await control.do("expire-tokens")
    assert await erp.get_order(placed.erp_order_id) == placed
    tokens = [path for _, path, _ in await control.requests() if path == "/oauth2/v1/token"]
    assert len(tokens) == 2
