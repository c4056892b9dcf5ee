"""OAuth 1.0a request signatures (RFC 5849 §3.4), with HMAC-SHA256 as NetSuite wants them.

Written here because it is thirty lines: what libraries for it offer more belongs to the three-legged flow.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def percent_encoded(text: str) -> str:
    """Everything but letters, digits and `-._~` as UTF-8 in percent form (§3.6)."""
    return quote(text, safe="-._~")


def base_string(method: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """What is signed (§3.4.1): method, address without query, and all parameters, the query's among them.

    Args:
        method: HTTP method.
        url: Absolute; its query takes part.
        parameters: The `oauth_…` ones, without signature and realm, and those of a form in the body.
    """
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port and parts.port != _DEFAULT_PORTS.get(parts.scheme) else ""
    address = f"{parts.scheme.lower()}://{(parts.hostname or '').lower()}{port}{parts.path or '/'}"
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *parameters]
    encoded = sorted((percent_encoded(name), percent_encoded(value)) for name, value in pairs)
    normalized = "&".join(f"{name}={value}" for name, value in encoded)
    return "&".join(percent_encoded(part) for part in (method.upper(), address, normalized))


def hmac_signature(text: str, consumer_secret: str, token_secret: str, digest: str = "sha256") -> str:
    """The signature of a base string, in base64 (§3.4.2, and with SHA-256 as NetSuite documents it)."""
    key = f"{percent_encoded(consumer_secret)}&{percent_encoded(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), text.encode(), getattr(hashlib, digest)).digest()).decode()


def authorization(realm: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The header's value (§3.5.1)."""
    listed = [("realm", realm), *parameters]
    return "OAuth " + ", ".join(f'{percent_encoded(name)}="{percent_encoded(value)}"' for name, value in listed)
