"""How we prove to NetSuite who we are: OAuth 1.0a signatures, SOAP passports, tokens for a certificate."""

import base64
import hashlib
import hmac
import re
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.binding.problems import BackendFault
from shared.resilience.outbound import Outbound
from shared.resilience.wire import ReplyHeaders, WireReply
from shared.security.secrets import Secret
from system_apis.netsuite.machine_login import TOKEN_PATH, MachineLogin, problem_of_sign_in
from system_apis.netsuite.oauth1 import authorization, base_string, hmac_signature
from system_apis.netsuite.settings import NetSuiteSettings
from system_apis.netsuite.tokens import PASSPORT, TokenAuthentication

NOW = 1_800_000_000


def test_base_string_is_that_of_rfc_5849() -> None:
    """Section 3.4.1.1: the request of the example, whose query and form repeat names and leave values empty."""
    oauth = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ]
    form = [("c2", ""), ("a3", "2 q")]
    url = "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"
    assert base_string("POST", url, oauth + form) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D"
        "%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3D"
        "HMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def test_signature_is_that_of_rfc_5849() -> None:
    """Section 1.2: the photo that the printer fetches."""
    oauth = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131202"),
        ("oauth_nonce", "chapoH"),
    ]
    text = base_string("GET", "http://photos.example.net/photos?file=vacation.jpg&size=original", oauth)
    assert hmac_signature(text, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00", "sha1") == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


def test_other_ports_than_the_schemes_own_are_signed() -> None:
    assert base_string("get", "https://host:8443", []) == "GET&https%3A%2F%2Fhost%3A8443%2F&"
    assert base_string("get", "https://host:443/", []) == "GET&https%3A%2F%2Fhost%2F&"


def test_header_names_the_realm_and_escapes_what_it_says() -> None:
    assert authorization("1234567_SB1", [("oauth_signature", "a+b/=")]) == (
        'OAuth realm="1234567_SB1", oauth_signature="a%2Bb%2F%3D"'
    )


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    (tmp_path / "secret").write_text("s3cr&t\n")
    return Secret(f"file:{tmp_path / 'secret'}")


@pytest.fixture
def tokens(secret: Secret) -> TokenAuthentication:
    return TokenAuthentication(
        account="1234567_SB1",
        consumer_key="consumer",
        consumer_secret=secret,
        token_id="token",
        token_secret=secret,
        clock=lambda: NOW + 0.9,
    )


def test_each_request_is_signed_with_another_nonce_and_no_secret_is_told(tokens: TokenAuthentication) -> None:
    url = "https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/record/v1/customer?limit=1"
    first, body = tokens.sign("GET", url, b"{}")
    second, _ = tokens.sign("GET", url, b"{}")
    assert body == b"{}"
    assert first != second
    value = first["authorization"]
    assert value.startswith('OAuth realm="1234567_SB1", oauth_consumer_key="consumer", oauth_token="token"')
    assert 'oauth_timestamp="1800000000"' in value
    assert 'oauth_signature_method="HMAC-SHA256"' in value
    assert "s3cr" not in value
    assert "s3cr" not in repr(tokens)


def test_passport_signs_account_keys_nonce_and_time(tokens: TokenAuthentication) -> None:
    _, body = tokens.sign_envelope("POST", "https://x/", b"<a>" + PASSPORT + b"</a>" + PASSPORT)
    assert body is not None
    assert body.endswith(PASSPORT)  # a caller's own text is left alone
    found = dict(re.findall(r"<core:(\w+)[^>]*>([^<]*)<", body.decode()))
    signed = "&".join((found["account"], found["consumerKey"], found["token"], found["nonce"], found["timestamp"]))
    expected = hmac.new(b"s3cr&t&s3cr&t", signed.encode(), hashlib.sha256).digest()
    assert found["signature"] == base64.b64encode(expected).decode()
    assert found["timestamp"] == str(NOW)


class Endpoint:
    """A token endpoint that remembers what it was asked."""

    def __init__(self, *expires_in: str) -> None:
        self.forms: list[dict[str, list[str]]] = []
        self._expires_in = list(expires_in)

    async def send(
        self, method: str, url: str, headers: object, body: bytes, seconds: float, *, repeatable: bool
    ) -> WireReply:
        assert repeatable
        assert (method, url) == ("POST", "https://account.example" + TOKEN_PATH)
        self.forms.append(parse_qs(body.decode()))
        life = self._expires_in.pop(0)
        answer = f'{{"access_token":"t{len(self.forms)}","expires_in":"{life}","token_type":"bearer"}}'
        return WireReply(200, ReplyHeaders(), answer.encode())


def login_of(endpoint: Endpoint, key: Path, algorithm: str, monotonic: object = lambda: 0.0) -> MachineLogin:
    backend = Outbound(endpoint).backend(  # type: ignore[arg-type]
        "NetSuite sign-in",
        NetSuiteSettings(
            account="1234567",
            url="https://account.example",
            auth="m2m",
            client_id="c",
            certificate_id="k",
            private_key=Secret("env:HOME"),
        ),
        credentials=None,
        classify=problem_of_sign_in,
    )
    return MachineLogin(
        backend,
        audience="https://account.example" + TOKEN_PATH,
        client_id="client",
        certificate_id="certificate",
        private_key=Secret(f"file:{key}"),
        algorithm=algorithm,
        scopes=("rest_webservices", "restlets"),
        clock=lambda: NOW,
        monotonic=monotonic,  # type: ignore[arg-type]
    )


def written(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, path: Path) -> Path:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem)
    return path


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
async def test_certificate_buys_a_token(algorithm: str, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048) if algorithm == "PS256" else ec.generate_private_key(ec.SECP256R1())
    endpoint = Endpoint("3600")
    login = login_of(endpoint, written(key, tmp_path / "key.pem"), algorithm)
    assert await login.headers() == {"authorization": "Bearer t1"}
    assert await login.headers() == {"authorization": "Bearer t1"}
    (form,) = endpoint.forms
    assert form["grant_type"] == ["client_credentials"]
    assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    (assertion,) = form["client_assertion"]
    assert jwt.get_unverified_header(assertion)["kid"] == "certificate"
    claims = jwt.decode(
        assertion,
        key.public_key(),
        algorithms=[algorithm],
        audience="https://account.example" + TOKEN_PATH,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == "client"
    assert claims["scope"] == ["rest_webservices", "restlets"]
    assert 0 < claims["exp"] - claims["iat"] <= 3600


async def test_token_is_replaced_before_it_ends_and_after_a_refusal(tmp_path: Path) -> None:
    key, now = written(ec.generate_private_key(ec.SECP256R1()), tmp_path / "key.pem"), 0.0
    login = login_of(Endpoint("3600", "3600", "3600"), key, "ES256", lambda: now)
    first = await login.headers()
    now = 3500.0
    second = await login.headers()
    assert (first["authorization"], second["authorization"]) == ("Bearer t1", "Bearer t2")
    assert login.refused(WireReply(401, ReplyHeaders(), b""))
    assert await login.renew(second)
    assert (await login.headers())["authorization"] == "Bearer t3"


async def test_key_that_does_not_fit_is_refused_without_telling_it(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("not a key")
    with pytest.raises(BackendFault, match=r"key\.pem") as refused:
        await login_of(Endpoint(), tmp_path / "key.pem", "PS256").headers()
    assert "not a key" not in str(refused.value)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_certificate_says_what_to_compare(status: int) -> None:
    problem = problem_of_sign_in(WireReply(status, ReplyHeaders(), b'{"error":"invalid_grant"}'))
    assert isinstance(problem, BackendFault)
    assert "certificate" in problem.detail


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "1234567-sb1"},
        {"consumer_key": ""},
        {"auth": "m2m"},
        {"query_page": 5000},
        {"concurrency": 0},
        {"product_group_field": "class) --"},
    ],
)
def test_settings_that_cannot_work_are_refused(secret: Secret, wrong: dict[str, object]) -> None:
    known = {"consumer_key": "c", "consumer_secret": secret, "token_id": "t", "token_secret": secret}
    with pytest.raises(ValueError, match=r"account|needs|query_page|product_group_field"):
        NetSuiteSettings(**{"account": "1234567_SB1", **known, **wrong})  # type: ignore[arg-type]


def test_hosts_follow_from_the_account(secret: Secret) -> None:
    settings = NetSuiteSettings(
        account="1234567_SB1", consumer_key="c", consumer_secret=secret, token_id="t", token_secret=secret
    )
    assert settings.rest.url == "https://1234567-sb1.suitetalk.api.netsuite.com"
    assert settings.restlets.url == "https://1234567-sb1.restlets.api.netsuite.com"
