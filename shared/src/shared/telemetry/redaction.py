"""Masks secrets in whatever is about to be written where people read it.

Three nets, each of which is enough alone: keys that name a secret, text that looks like one, and contract
fields marked `Meta(extra={"sensitive": True})`. What cannot be inspected is masked, never passed on.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import msgspec

from shared.security.sensitive import sensitive_fields

MASK = "[masked]"

MAX_TEXT = 4096
"""Characters of one string that are written; the rest is counted."""
MAX_ITEMS = 64
"""Members of one collection that are written; the rest is counted."""
MAX_DEPTH = 8
"""Levels of nesting that are written."""

_SECRET_KEY = re.compile(
    r"passw|passphrase|secret|token|assertion|authori[sz]ation|cookie|apikey|accesskey|privatekey|signingkey"
    r"|encryptionkey|credential|sessionid|codeverifier|signature|bearer|jwt|^(?:sid|pwd|pin|otp|cvv|cvc|auth|key)$"
)
_HARMLESS_KEY = re.compile(r"token(?:type|endpoint|uri|url|digest)$|authorization(?:endpoint|server|url)s?$")

_LABEL = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|assertion|(?:api|access|private|signing)[_-]?key"
    r"|session[_-]?id|sid|code[_-]?verifier|signature)"
)
_QUOTED = r"""b?(?P<{0}>\\?["'])(?:\\.|(?!(?P={0})).)*(?:(?P={0})|\Z)"""
_CREDENTIAL = re.compile(
    # Whole header values: Authorization: Basic …, Cookie: a=b; c=d
    r"(?P<header>(?:authorization|cookie)\\?[\"']?\s*[=:]\s*)(?!\[masked\])(?:"
    + _QUOTED.format("hq")
    + r"|[^\s\"'][^\r\n\"']*)"
    # password=…, "clientSecret": "…", X-Api-Key: …
    r"|(?P<named>" + _LABEL + r"\\?[\"']?\s*[=:]\s*)(?!\[masked\])(?:" + _QUOTED.format("nq") + r"|[^\s\"'&;<>]+)"
    # <password>…</password>, <urn:sessionId>…
    r"|(?P<tag><(?:\w+:)?\w*" + _LABEL + r"\b[^>]*>)[^<]+"
    # Bearer …, not followed by mere English
    r"|(?P<scheme>\b(?:bearer|basic|dpop|oauth)\s+)(?![a-z]{1,20}(?![\w.~+/=-]))[\w.~+/=-]{8,}"
    # scheme://user:password@host
    r"|(?P<userinfo>://[^\s/:@\"']{0,256}:)[^\s/@\"']+(?=@)"
    # JWT or JWE
    r"|eyJ[\w-]{5,}+\.[\w.-]+"
    # Salesforce session id (organisation!token), refresh token
    r"|\b00D[a-z0-9]{12,15}!\S{16,}|\b5Aep[\w.]{20,}"
    # PEM private keys, also cut off
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    # Vendors' key formats: HubSpot, Shopify, EasyPost, AWS, webhook signing
    r"|\bpat-[a-z]{2}\d-[0-9a-f-]{20,}|\bshp(?:at|ca|pa|ss)_[0-9a-f]{16,}|\bEZ[AT]K[a-z0-9]{20,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bwhsec_[\w+/=]{8,}",
    re.IGNORECASE | re.DOTALL,
).sub
# The search costs a third of a microsecond per character; these tests spare it where nothing can match.
# Each pattern above contains one of these words, those of the first row only next to one of `=:<`.
_LABELS = ("pass", "pwd", "secret", "token", "assertion", "key", "session", "sid", "verifier", "signature",
           "authorization", "cookie")  # fmt: skip
_FORMATS = ("bearer", "basic", "dpop", "oauth", "eyj", "://", "00d", "5aep", "private key", "pat-", "shp", "ezak",
            "eztk", "akia", "whsec_")  # fmt: skip
_PLAIN = re.compile(r"[0-9A-Za-z_./-]{0,19}|[0-9a-f-]{0,40}").fullmatch

_clean: set[str] = set()
_MAX_CLEAN = 2048
_MAX_CLEAN_LENGTH = 120
_WRITTEN_AS_IS = (Decimal, datetime, date, time, timedelta, UUID, Enum)
_MAX_INTEGER = 1 << 63


def mask_text(text: str) -> str:
    """The text, at most `MAX_TEXT` characters of it, with everything that looks like a credential masked."""
    if text in _clean or _PLAIN(text):
        return text
    shown = text[:MAX_TEXT]
    if _suspicious(shown.lower()):
        shown = _CREDENTIAL(_keep_label, shown)
    if len(text) > MAX_TEXT:
        return f"{shown}… [{len(text) - MAX_TEXT} characters more]"
    if shown == text and len(text) <= _MAX_CLEAN_LENGTH:  # only what is fit to be written is kept
        if len(_clean) >= _MAX_CLEAN:
            _clean.clear()
        _clean.add(text)
    return shown


def _suspicious(text: str) -> bool:
    if "=" in text or ":" in text or "<" in text:
        for word in _LABELS:
            if word in text:
                return True
    for word in _FORMATS:  # noqa: SIM110 - any() with a generator takes twice as long
        if word in text:
            return True
    return False


def _keep_label(match: re.Match[str]) -> str:
    label = match["header"] or match["named"] or match["tag"] or match["scheme"] or match["userinfo"] or ""
    return label + MASK


@lru_cache(maxsize=4096)
def is_sensitive_key(key: str) -> bool:
    """Whether a header, field or parameter of this name carries a secret."""
    name = re.sub(r"[^a-z0-9]", "", key.lower())
    return _SECRET_KEY.search(name) is not None and _HARMLESS_KEY.search(name) is None


def masked(value: Any, depth: int = 0) -> Any:
    """A copy of `value` fit to be written: plain JSON types, secrets masked, size bounded."""
    kind = cast("type[Any]", type(value))
    if kind is str:
        return mask_text(value)
    if kind is bool or kind is float or value is None:
        return value
    if kind is int:
        return value if -_MAX_INTEGER <= value < _MAX_INTEGER else str(value)
    if depth >= MAX_DEPTH:
        return f"… [{kind.__name__}]"
    return _masked_object(value, depth)


def _masked_object(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return masked_mapping(cast("Mapping[Any, Any]", value), depth)
    if isinstance(value, msgspec.Struct):
        return _masked_struct(value, depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        return _masked_items(cast("Iterable[Any]", value), depth)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"[{len(cast('bytes', value))} bytes]"
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {mask_text(str(value))}"
    if isinstance(value, Enum):
        return masked(value.value, depth + 1)
    if isinstance(value, _WRITTEN_AS_IS):
        return value
    return mask_text(value if isinstance(value, str) else repr(value))


def masked_mapping(fields: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """A copy of a mapping fit to be written; keys that name a secret keep no value."""
    copy: dict[str, Any] = {}
    for key, value in fields.items():
        name = key if type(key) is str else _name(key)
        if len(copy) >= MAX_ITEMS:
            copy["…"] = f"[{len(fields) - MAX_ITEMS} more]"
            break
        if is_sensitive_key(name):
            copy[name] = _hidden(value)
        else:
            copy[mask_text(name)] = masked(value, depth + 1)
    return copy


def _hidden(value: Any) -> Any:
    # Whether there is one at all is worth knowing and gives nothing away.
    return value if value is None or value is True or value is False or value == "" else MASK


def _name(key: Any) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else str(key)


def _masked_items(values: Iterable[Any], depth: int) -> list[Any]:
    copy: list[Any] = []
    for position, value in enumerate(values):
        if position >= MAX_ITEMS:
            copy.append("… [more]")
            break
        copy.append(_masked_pair(value, depth + 1))
    return copy


def _masked_pair(value: Any, depth: int) -> Any:
    """Headers travel as pairs, in ASGI as pairs of bytes."""
    if isinstance(value, (tuple, list)):
        pair = tuple(cast("Iterable[Any]", value))
        if len(pair) == 2 and isinstance(pair[0], (str, bytes)) and is_sensitive_key(_name(pair[0])):  # noqa: PLR2004
            return [_name(pair[0]), _hidden(pair[1])]
    return masked(value, depth)


def _masked_struct(value: msgspec.Struct, depth: int) -> dict[str, Any]:
    hidden = sensitive_fields(type(value))
    return {
        name: _hidden(getattr(value, name))
        if name in hidden or is_sensitive_key(name)
        else masked(getattr(value, name), depth + 1)
        for name in value.__struct_fields__
    }
