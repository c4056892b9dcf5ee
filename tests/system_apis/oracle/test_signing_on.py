"""Signing on to the stand-in with a key: no password leaves the house, and a token that ends is replaced."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from eventually import eventually

from sandboxes.oracle import CLIENT_ID, KEY_ID, SCOPE, development_key
from shared.binding.problems import BackendUnavailable
from shared.contracts.canonical.order import NewErpOrder
from shared.security.secrets import Secret
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.credentials import Token, TokenCredentials
from system_apis.oracle.service import OracleErp


async def test_a_token_serves_to_its_end_while_none_is_issued() -> None:
    now, asked = 0.0, 0

    async def fetch() -> Token:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise BackendUnavailable("OCI IAM answered 503.")
        return Token("held", 100)

    credentials = TokenCredentials(fetch, lambda: now)
    held = await credentials.headers()
    now = 90.0
    assert await credentials.headers() is held
    await eventually(lambda: asked == 2)
    now = 99.0
    assert await credentials.headers() is held
    now = 100.0
    with pytest.raises(BackendUnavailable):
        await credentials.headers()


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
