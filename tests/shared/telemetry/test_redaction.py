import base64
import time
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.security.sensitive import sensitive_fields
from shared.telemetry.redaction import (
    MASK,
    MAX_ITEMS,
    MAX_TEXT,
    is_sensitive_key,
    mask_text,
    masked,
)

JWT = "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJ1c2VyLTcifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
SESSION = "00D5g000008XYZAEA2!AQ4AQFz.dJb1cH9_nV0kRtYw3sXq7LmZpO2uIe8"

# (text, what must not survive)
LEAKS = [
    (f"token {JWT} was refused", JWT),
    (JWT, "eyJzdWIiOiJ1c2VyLTcifQ"),
    (f"?jwt%20{JWT}", JWT),
    ("sent Authorization: Bearer 3f9c1a77-opaque", "3f9c1a77-opaque"),
    ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    ("headers={'Authorization': 'Basic dXNlcjpwYXNz', 'Accept': '*/*'}", "dXNlcjpwYXNz"),
    ("{b'authorization': b'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
    ('{"authorization": "OAuth realm=\\"1234\\", oauth_signature=\\"abc%2F=\\""}', "abc%2F"),
    ("bearer 0123456789abcdef", "0123456789abcdef"),
    ("DPoP AbCdEf012345", "AbCdEf012345"),
    ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    ("Cookie: SID=31d4d96e407aad42; theme=dark", "31d4d96e407aad42"),
    ("Set-Cookie: session=38afes7a8; HttpOnly", "38afes7a8"),
    ("X-Api-Key: live-12345", "live-12345"),
    (f"sid {SESSION} expired", SESSION),
    (SESSION, "AQ4AQFz"),
    ("refresh 5Aep861TSESvWeug_xvFHRBTTbf_YrTWgEyjBJrfGJ8AycK2Qb", "5Aep861TSESvWeug"),
    ("grant_type=password&username=u&password=hunter2&client_secret=s3cr3t", "hunter2"),
    ("grant_type=password&username=u&password=hunter2&client_secret=s3cr3t", "s3cr3t"),
    ("client_assertion=abc.def&scope=x", "abc.def"),
    ('{"clientSecret": "a b\\"c", "id": 7}', 'a b\\"c'),
    ("{'password': 'two words'}", "two words"),
    ('json: {\\"password\\": \\"hunter2\\"}', "hunter2"),
    ("Settings(user='u', password='hunter2')", "hunter2"),
    ("<soap:Body><tns:password>hunter2</tns:password></soap:Body>", "hunter2"),
    ("<urn:sessionId>00Dxx!ARQAQ</urn:sessionId>", "ARQAQ"),
    ("postgresql://app:hunter2@db:5432/journal", "hunter2"),
    ("redis://:hunter2@127.0.0.1:6379/0", "hunter2"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEow and then cut", "MIIEow"),
    ("pat-na1-11111111-2222-3333-4444-555555555555", "11111111-2222"),
    ("shpat_0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    ("EZAK1234567890abcdefghij1234567890", "1234567890abcdefghij"),
    ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8G"),
    ("signature=v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "g0hM9SsE"),
    ("x-csrf-token: ab12cd", "ab12cd"),
]

HARMLESS = [
    "flow.step.retried",
    "0af7651916cd43dd8448eb211c80319c",
    "3f9c1a77-9d1e-4c55-8f0c-0a6f6f5d2b11",
    "001xx000003DGb2AAG",
    "00D5g000008XYZAEA2",
    "The order 4711 was refused: the customer is blocked; ask finance.",
    "Bearer token is missing",
    "basic authentication is not allowed here",
    "/v1/customers/001xx000003DGb2AAG/orders?limit=20&sort=-date",
    "2026-11-23T05:14:22.123456+00:00",
    "SELECT Id FROM Account WHERE Name = 'Monkey & Key Ltd'",
    "urn:triptych:system:crm",
    "https://org.my.salesforce.com:443/services/data/v66.0/",
    "name@example.com",
    "Straße 7, 東京, مكتب",
    "",
]


@pytest.mark.parametrize(("text", "secret"), LEAKS)
def test_text_that_looks_like_a_credential_is_masked(text: str, secret: str) -> None:
    shown = mask_text(text)
    assert secret not in shown
    assert MASK in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert mask_text(text) == text


def test_the_label_stays_so_that_people_see_what_was_masked() -> None:
    assert mask_text("user=u&password=hunter2&x=1") == f"user=u&password={MASK}&x=1"
    assert mask_text("postgresql://app:hunter2@db/x") == f"postgresql://app:{MASK}@db/x"


def test_masking_twice_changes_nothing_more() -> None:
    for text, _ in LEAKS:
        once = mask_text(text)
        assert mask_text(once) == once


@pytest.mark.parametrize(
    "key",
    ["Authorization", "proxy-authorization", "cookie", "Set-Cookie", "x-api-key", "X-Api-Key", "password",
     "userPassword", "client_secret", "clientSecret", "access_token", "refreshToken", "token", "client_assertion",
     "assertion", "private_key", "privateKey", "sessionId", "code_verifier", "webhook-signature", "credentials",
     "pin", "sid", "x-csrf-token", "PASSWD", "passphrase"],
)  # fmt: skip
def test_keys_that_name_a_secret(key: str) -> None:
    assert is_sensitive_key(key)


@pytest.mark.parametrize(
    "key",
    ["order", "correlation_id", "token_type", "token_endpoint", "authorization_server", "keyword", "shipping", "side",
     "customer_id", "primary_key_name", "opinion", "inside"],
)  # fmt: skip
def test_keys_that_name_none(key: str) -> None:
    assert not is_sensitive_key(key)


def test_values_under_secret_keys_disappear_at_any_depth() -> None:
    shown = masked({"a": [{"password": "hunter2", "b": {"Authorization": ["x", "y"], "n": 1}}], "pin": 1234})
    assert shown == {"a": [{"password": MASK, "b": {"Authorization": MASK, "n": 1}}], "pin": MASK}


def test_whether_a_secret_is_there_at_all_stays_visible() -> None:
    assert masked({"token": None, "password": "", "has_token": True}) == {
        "token": None, "password": "", "has_token": True,
    }  # fmt: skip


def test_headers_as_pairs_of_bytes_are_masked() -> None:
    headers = [(b"host", b"x"), (b"authorization", b"Bearer abc"), ("Cookie", "a=b")]
    assert masked(headers) == [["[4 bytes]", "[1 bytes]"], ["authorization", MASK], ["Cookie", MASK]]


class Card(msgspec.Struct, frozen=True):
    holder: str
    number: Annotated[str, msgspec.Meta(extra={"sensitive": True})]
    limit: Annotated[Decimal, msgspec.Meta(ge=0)] = Decimal(0)
    note: Annotated[str, msgspec.Meta(extra={"sensitive": True})] | None = None
    tags: list[Annotated[str, msgspec.Meta(extra={"sensitive": True})]] = []
    password: str = "hunter2"


class Unresolvable(msgspec.Struct, frozen=True):
    mystery: "Nowhere"  # noqa: F821 # pyright: ignore[reportUndefinedVariable]


def test_contract_fields_marked_sensitive_are_found_and_masked() -> None:
    assert sensitive_fields(Card) == {"number", "note", "tags"}
    shown = masked({"card": Card("Ada", "4111111111111111", Decimal(5), "blue", ["x"])})
    assert shown == {
        "card": {"holder": "Ada", "number": MASK, "limit": Decimal(5), "note": MASK, "tags": MASK, "password": MASK}
    }


def test_a_struct_that_cannot_be_inspected_is_masked_throughout() -> None:
    assert masked(Unresolvable("x")) == {"mystery": MASK}


def test_objects_are_shown_by_their_masked_text() -> None:
    class Settings:
        def __repr__(self) -> str:
            return "Settings(password='hunter2')"

    assert masked(Settings()) == f"Settings(password={MASK})"
    assert masked(ValueError("client_secret=abc")) == f"ValueError: client_secret={MASK}"
    assert masked(b"secret") == "[6 bytes]"
    assert masked(1 << 70) == str(1 << 70)


def test_size_is_bounded() -> None:
    assert masked("x" * (MAX_TEXT + 5)).endswith("… [5 characters more]")
    assert len(masked(list(range(1000)))) == MAX_ITEMS + 1
    assert masked({str(n): n for n in range(1000)})["…"] == f"[{1000 - MAX_ITEMS} more]"
    nested: Any = []
    for _ in range(50):
        nested = [nested]
    assert "… [list]" in str(masked(nested))


@given(
    st.dictionaries(st.text(alphabet="abcdef0123456789", min_size=4, max_size=12), st.integers(), min_size=1),
    st.text(max_size=30),
    st.text(max_size=30),
)
def test_no_jwt_survives_wherever_it_stands(claims: dict[str, int], before: str, after: str) -> None:
    def part(content: Any) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(content)).decode().rstrip("=")

    payload = part(claims)
    token = f"{part({'alg': 'RS256', 'typ': 'at+jwt'})}.{payload}.c2lnbmF0dXJl"
    assert payload not in mask_text(f"{before} {token} {after}")


@given(
    st.sampled_from(["password", "client_secret", "Authorization", "x-api-key", "refreshToken", "assertion"]),
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=60),
    st.recursive(
        st.just(None), lambda inner: st.one_of(st.lists(inner, min_size=1, max_size=1), st.just(None)), max_leaves=3
    ),
)
def test_no_value_survives_under_a_secret_key(key: str, secret: str, shape: Any) -> None:
    value: Any = {key: f"~~{secret}"}
    while isinstance(shape, list):
        value, shape = {"inner": [value]}, shape[0] if shape else None
    assert f"~~{secret}" not in str(masked(value))


@given(
    st.sampled_from(["password=", "client_secret: ", "token=", "&assertion=", "x-api-key: "]),
    st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~+/=-", min_size=8, max_size=60),
)
def test_no_value_survives_behind_its_label_in_text(label: str, secret: str) -> None:
    assert secret not in mask_text(f"request failed: {label}{secret} (status 400)")


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner), max_leaves=12,
))  # fmt: skip
def test_whatever_goes_in_comes_out_writable(value: Any) -> None:
    msgspec.json.encode(masked(value))


@pytest.mark.parametrize(
    "bait", ["eyJ", "eyJaaaaaa", "password='", "<a:", "://", "-----BEGIN ", "Bearer ", "00D", "token", "\\'"]
)
def test_hostile_text_costs_no_more_than_a_few_milliseconds(bait: str) -> None:
    text = (bait * MAX_TEXT)[:MAX_TEXT]
    began = time.thread_time()
    mask_text(text)
    assert time.thread_time() - began < 0.1
