"""What goes over the wire: framework version, versions of records, pages, batches, and who we say we are."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.binding.problems import BackendFault, PreconditionFailed
from shared.resilience.outbound import Outbound
from shared.resilience.wire import Wire
from shared.security.secrets import Secret
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.rest import Link, Part, address, change_indicator, literal, segment
from system_apis.oracle.settings import OracleSettings

Connect = Callable[..., OracleConnector]
StartPeer = Callable[..., Awaitable[Any]]


class Row(msgspec.Struct):
    """A row of any resource."""

    Id: int


def listed(*ids: int, more: bool = False) -> bytes:
    return json.dumps({"items": [{"Id": one} for one in ids], "hasMore": more}).encode()


def heads(peer: Any) -> list[str]:
    return [one.split(b"\r\n\r\n")[0].decode().lower() for one in peer.requests]


async def test_every_request_says_the_framework_version(connect: Connect, peer: StartPeer) -> None:
    server = await peer((200, listed(1)))
    await connect(server.url, framework_version=6).rows("/x?a=1", Row, "read")
    assert "rest-framework-version: 6" in heads(server)[0]


async def test_pages_are_read_until_there_are_no_more(connect: Connect, peer: StartPeer) -> None:
    server = await peer((200, listed(1, 2, more=True)), (200, listed(3)))
    rows = [one.Id async for one in connect(server.url, page_size=2).pages("/x?orderBy=Id", Row, "read")]
    assert rows == [1, 2, 3]
    assert [one.split(" ")[1] for one in heads(server)] == [
        "/x?orderby=id&limit=2&offset=0",
        "/x?orderby=id&limit=2&offset=2",
    ]


async def test_a_change_names_the_version_it_is_of_and_is_not_repeated_blindly(
    connect: Connect, peer: StartPeer
) -> None:
    server = await peer((412, b""))
    with pytest.raises(PreconditionFailed):
        await connect(server.url).change("/x/1", {"A": 1}, Row, "change", if_match="0AFF")
    assert len(server.requests) == 1
    assert "if-match: 0aff" in heads(server)[0]
    assert heads(server)[0].startswith("patch ")


async def test_a_batch_that_is_not_answered_whole_is_a_fault(connect: Connect, peer: StartPeer) -> None:
    server = await peer((200, b'{"parts":[{"id":"1","path":"/x","operation":"get"}]}'))
    parts = [Part("1", "/x", "create", {"A": 1}), Part("2", "/y", "update", {"B": 2}, "0AFF")]
    with pytest.raises(BackendFault):
        await connect(server.url).batch("/root", parts, "both")
    sent = json.loads(server.requests[0].split(b"\r\n\r\n")[1])
    assert sent["parts"][1] == {"id": "2", "path": "/y", "operation": "update", "payload": {"B": 2}, "ifMatch": "0AFF"}


async def test_a_rotated_password_is_read_after_a_401_and_the_same_one_never_tried_again(
    connect: Connect, peer: StartPeer, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("old")
    server = await peer((401, b""))
    connector = connect(server.url, secret)
    with pytest.raises(BackendFault):
        await connector.rows("/x", Row, "read")
    assert len(server.requests) == 1
    secret.write_text("new")
    with pytest.raises(BackendFault):
        await connector.rows("/x", Row, "read")
    assert len(server.requests) == 3


async def test_a_signed_assertion_is_exchanged_for_a_token_once(wire: Wire, peer: StartPeer, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = tmp_path / "private.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    iam = await peer((200, b'{"access_token":"t0ken","expires_in":3600,"token_type":"Bearer"}'))
    pod = await peer((200, listed(1)))
    settings = OracleSettings(
        url=pod.url, username="TRIPTYCH", auth="jwt-bearer", iam_url=iam.url, client_id="app", key_id="cert-1",
        scope="urn:fusion", private_key=Secret(f"file:{private}"),
    )  # fmt: skip
    connector = OracleConnector(settings, Outbound(wire))
    await connector.rows("/x", Row, "read")
    await connector.rows("/x", Row, "read")
    form = parse_qs(iam.requests[0].split(b"\r\n\r\n")[1].decode())
    claims = jwt.decode(form["assertion"][0], key.public_key(), ["RS256"], audience="oauth.idm.oracle.com")
    assert (claims["iss"], claims["sub"], claims["prn"]) == ("app", "TRIPTYCH", "TRIPTYCH")
    assert jwt.get_unverified_header(form["assertion"][0])["kid"] == "cert-1"
    assert form["scope"] == ["urn:fusion"]
    assert "authorization: bearer t0ken" in heads(pod)[1]
    assert len(iam.requests) == 1


def test_settings_that_could_not_sign_on_are_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="needs iam_url and client_id and key_id and scope and private_key"):
        OracleSettings(url="", username="x", auth="jwt-bearer")
    with pytest.raises(ValueError, match="needs password"):
        OracleSettings(url="", username="x")


def test_values_stay_inside_literals_and_paths() -> None:
    assert literal("O'Brien' or 1=1") == "'O''Brien'' or 1=1'"
    assert literal(17) == "17"
    assert segment("a/b?c#d") == "a%2Fb%3Fc%23d"
    assert address("/x", q="A='1&2'", onlyData=True) == "/x?q=A%3D%271%262%27&onlyData=true"
    assert change_indicator([Link("canonical"), Link("self", "", {"changeIndicator": "0A"})]) == "0A"
