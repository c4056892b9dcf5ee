"""Signatures over raw bodies: what vendors publish and what their own code says, rotation, windows, forgeries."""

import time
from pathlib import Path

import pytest
from easypost.util import validate_webhook
from hubspot.utils.signature import Signature as HubSpotSignature
from slack_sdk.signature import SignatureVerifier as SlackVerifier

from shared.security.secrets import Secret, UnreadableSecretError
from shared.security.signature import MAX_SECRETS, SignatureVerifier, UnfitSignatureError, signed_headers
from shared.security.signature_schemes import (
    EASYPOST,
    HUBSPOT,
    SHOPIFY,
    SLACK,
    STANDARD_WEBHOOKS,
    SignatureScheme,
)

SCHEMES = (SHOPIFY, EASYPOST, HUBSPOT, SLACK, STANDARD_WEBHOOKS)
URL = "https://api.tarn-gauge.example/system/commerce/v1/webhooks"
BODY = '{"id": 1, "name": "grüße"}'.encode()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
PUBLISHED = [
    (
        SLACK, "8f742231b10e8888abcd99yyyzzz85a5", SLACK_BODY, 1531420618.0, "",
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    ),
    (
        STANDARD_WEBHOOKS, SECRET, b'{"test": 2432232314}', 1614265330.0, "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
]  # fmt: skip
"""docs.slack.dev "Verifying requests from Slack"; the test vector in the libraries of standardwebhooks.com."""


@pytest.fixture
def secret(tmp_path: Path):
    """Makes a secret in a file of its own."""

    def made(value: str = SECRET, name: str = "secret") -> Secret:
        (tmp_path / name).write_text(value)
        return Secret(f"file:{tmp_path / name}")

    return made


def arrived(headers: dict[str, str]) -> dict[bytes, bytes]:
    return {name.lower().encode(): value.encode() for name, value in headers.items()}


def signed(scheme: SignatureScheme, body: bytes = BODY, secret: str = SECRET, **parts: object) -> dict[bytes, bytes]:
    given = {"message_id": "m-1", "topic": "orders/create", "url": URL, **parts}
    return arrived(signed_headers(scheme, secret, body, **given))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("scheme", "key", "body", "moment", "message_id", "signature"), PUBLISHED, ids=["slack", "std"]
)
def test_what_vendors_publish_fits(secret, scheme, key, body, moment, message_id, signature) -> None:
    headers = signed_headers(scheme, key, body, message_id=message_id, moment=moment)
    assert headers[scheme.header] == signature
    verifier = SignatureVerifier(scheme, [secret(key)], clock=lambda: moment + 60)
    assert verifier.verify(arrived(headers), body).content == body


def test_what_we_sign_is_what_the_vendors_own_code_takes() -> None:
    assert SlackVerifier(SECRET).is_valid_request(BODY, signed_headers(SLACK, SECRET, BODY))
    assert validate_webhook(BODY, signed_headers(EASYPOST, "gehеim-ﬁ", BODY), "gehеim-ﬁ")["id"] == 1  # noqa: RUF001
    hubspot = signed_headers(HUBSPOT, SECRET, BODY, url=URL)
    assert HubSpotSignature.is_valid(
        hubspot["X-HubSpot-Signature-v3"], SECRET, BODY.decode(), URL, "POST", "v3",
        hubspot["X-HubSpot-Request-Timestamp"],
    )  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_a_message_is_verified_byte_for_byte(secret, scheme: SignatureScheme) -> None:
    verifier = SignatureVerifier(scheme, [secret()], url=URL)
    assert verifier.verify(signed(scheme), BODY).content == BODY
    for body in (BODY + b" ", BODY.replace(b" ", b""), b"", BODY.decode().encode("latin-1")):
        with pytest.raises(UnfitSignatureError):
            verifier.verify(signed(scheme), body)
    with pytest.raises(UnfitSignatureError):
        verifier.verify(signed(scheme, secret=OTHER), BODY)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_every_secret_in_force_counts_while_one_is_replaced(secret, scheme: SignatureScheme) -> None:
    current, former = secret(SECRET), secret(OTHER, "former")
    both, one = SignatureVerifier(scheme, [current, former], url=URL), SignatureVerifier(scheme, [current], url=URL)
    assert both.verify(signed(scheme), BODY)
    assert both.verify(signed(scheme, secret=OTHER), BODY)
    with pytest.raises(UnfitSignatureError):
        one.verify(signed(scheme, secret=OTHER), BODY)


def test_a_secret_that_was_rotated_in_its_file_counts_from_then_on(secret) -> None:
    verifier = SignatureVerifier(SHOPIFY, [secret()])
    secret(OTHER)
    assert verifier.verify(signed(SHOPIFY, secret=OTHER), BODY)
    with pytest.raises(UnfitSignatureError):
        verifier.verify(signed(SHOPIFY), BODY)


@pytest.mark.parametrize("scheme", [one for one in SCHEMES if one.timestamp_header], ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("seconds", [-301, 301, 10_000_000])
def test_a_message_of_another_time_is_refused_before_its_body_is_read(secret, scheme, seconds: float) -> None:
    verifier = SignatureVerifier(scheme, [secret()], url=URL)
    headers = signed(scheme, moment=time.time() - seconds)
    with pytest.raises(UnfitSignatureError):
        verifier.screen(headers)
    now = arrived(signed_headers(scheme, SECRET, BODY))[scheme.timestamp_header.lower().encode()]
    with pytest.raises(UnfitSignatureError):  # the moment is part of what is signed
        verifier.verify(headers | {scheme.timestamp_header.lower().encode(): now}, BODY)


@pytest.mark.parametrize("moment", [b"", b"-1", b"1e9", b"NaN", "٣".encode(), b"9" * 400, b"0x10", b" 1"])
def test_a_moment_that_is_none_is_refused(secret, moment: bytes) -> None:
    with pytest.raises(UnfitSignatureError):
        SignatureVerifier(SLACK, [secret()]).verify(signed(SLACK) | {b"x-slack-request-timestamp": moment}, BODY)


def test_the_address_is_part_of_what_hubspot_signs(secret) -> None:
    with pytest.raises(UnfitSignatureError):
        SignatureVerifier(HUBSPOT, [secret()], url=URL + "/other").verify(signed(HUBSPOT), BODY)


def test_one_of_several_signatures_suffices_and_a_flood_of_them_does_not_help(secret) -> None:
    headers = signed(STANDARD_WEBHOOKS)
    right = headers[b"webhook-signature"]
    verifier = SignatureVerifier(STANDARD_WEBHOOKS, [secret()])
    assert verifier.verify(headers | {b"webhook-signature": b"v1,AAAA v1a,xyz " + right}, BODY).message_id == "m-1"
    with pytest.raises(UnfitSignatureError):
        verifier.verify(headers | {b"webhook-signature": b"v1,AAAA " * 9 + right}, BODY)


def test_without_a_secret_nothing_is_opened(secret) -> None:
    del secret
    with pytest.raises(UnfitSignatureError):
        SignatureVerifier(SHOPIFY, []).verify(signed(SHOPIFY, secret=""), BODY)


def test_a_secret_that_cannot_be_read_is_no_refusal(secret, tmp_path: Path) -> None:
    verifier = SignatureVerifier(SHOPIFY, [secret()])
    (tmp_path / "secret").unlink()
    with pytest.raises(UnreadableSecretError):
        verifier.verify(signed(SHOPIFY), BODY)


def test_more_secrets_than_a_rotation_needs_are_refused(secret) -> None:
    with pytest.raises(ValueError, match="secrets may be in force"):
        SignatureVerifier(SHOPIFY, [secret()] * (MAX_SECRETS + 1))


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 129, "ü".encode()])
def test_an_id_that_is_none_is_replaced_by_a_digest_of_the_content(secret, given: bytes) -> None:
    verifier = SignatureVerifier(SHOPIFY, [secret()])
    message = verifier.verify(signed(SHOPIFY) | {b"x-shopify-webhook-id": given, b"x-shopify-topic": given}, BODY)
    assert (len(message.message_id), message.topic) == (64, "")
