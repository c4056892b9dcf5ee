"""OAuth 1.0a signatures of requests (RFC 5849), as token-based authentication demands them."""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote

from sandboxes.kit import Request
from sandboxes.netsuite.auth.credentials import ACCOUNT, CONSUMER_KEY, TOKEN_ID, Credentials
from sandboxes.netsuite.auth.nonces import Nonces

_PARAMETER = re.compile(r'\s*([A-Za-z0-9_]+)\s*=\s*"([^"]*)"\s*')
_ALGORITHMS = {"HMAC-SHA256": hashlib.sha256}
_ONCE = ("oauth_consumer_key", "oauth_token", "oauth_nonce", "oauth_timestamp", "oauth_signature_method")


def signed_by_token(request: Request, credentials: Credentials, nonces: Nonces) -> bool:
    """Whether the integration's token signed this request, just now and for the first time."""
    sent = parameters(request.headers.get("authorization", ""))
    if sent is None or not all(sent.get(name) for name in (*_ONCE, "oauth_signature", "realm")):
        return False
    named = sent["realm"] == ACCOUNT and sent["oauth_consumer_key"] == CONSUMER_KEY and sent["oauth_token"] == TOKEN_ID
    algorithm = _ALGORITHMS.get(sent["oauth_signature_method"])
    if not named or algorithm is None or sent.get("oauth_version", "1.0") != "1.0":
        return False
    if "oauth_body_hash" in sent and sent["oauth_body_hash"] not in _body_hashes(request.body):
        return False
    key = f"{_escape(credentials.consumer_secret)}&{_escape(credentials.token_secret)}".encode()
    expected = b64encode(hmac.digest(key, base_string(request, sent).encode(), algorithm().name)).decode()
    return hmac.compare_digest(expected.encode(), sent["oauth_signature"].encode()) and nonces.use(
        sent["oauth_nonce"], sent["oauth_timestamp"]
    )


def parameters(header: str) -> dict[str, str] | None:
    """The parameters of an Authorization header, decoded; None when it is not OAuth or not well formed."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "oauth":
        return None
    taken: dict[str, str] = {}
    for piece in rest.split(","):
        match = _PARAMETER.fullmatch(piece)
        if match is None or match[1] in taken:
            return None
        taken[match[1]] = unquote(match[2])
    return taken


def base_string(request: Request, sent: Mapping[str, str]) -> str:
    """The signature base string (RFC 5849, 3.4.1): method, URL without query, all parameters in order."""
    pairs = [(name, value) for name, value in sent.items() if name not in ("realm", "oauth_signature")]
    pairs += parse_qsl(request.query_string, keep_blank_values=True)
    if request.headers.get("content-type", "").partition(";")[0].strip() == "application/x-www-form-urlencoded":
        pairs += parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    normal = "&".join(f"{name}={value}" for name, value in sorted((_escape(n), _escape(v)) for n, v in pairs))
    scheme = request.headers.get("x-forwarded-proto", "http")
    url = f"{scheme}://{request.headers.get('host', '').lower()}{request.raw_path.partition('?')[0]}"
    return "&".join(_escape(part) for part in (request.method.upper(), url, normal))


def _body_hashes(body: bytes) -> set[str]:
    """The hash of the body extension, which is signed with the rest: SHA-1 as written, SHA-256 as many send it."""
    return {b64encode(hashlib.new(name, body).digest()).decode() for name in ("sha1", "sha256")}


def _escape(text: str) -> str:
    return quote(text, safe="-._~")
