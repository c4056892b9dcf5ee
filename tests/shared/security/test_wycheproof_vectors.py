"""Project Wycheproof's JSON Web Signature vectors against our envelope and keys."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.security.jws import TokenRefusedError, UnusableKeyError, VerificationKey, parse_compact

_GROUPS = json.loads((Path(__file__).parent / "vectors" / "wycheproof_jws.json").read_text())["groups"]
_CASES = [
    pytest.param(group["key"], token, result, id=f"{number}-{comment}")
    for group in _GROUPS
    for number, result, comment, token in group["tests"]
]


def _accepts(jwk: dict[str, Any], token: str) -> bool:
    try:
        key = VerificationKey.from_jwk(jwk)
        jws = parse_compact(token)
        if jws.header.kid != key.kid:
            return False
        key.verify(jws)
    except (TokenRefusedError, UnusableKeyError):
        return False
    return True


def _deliberately_stricter(jwk: dict[str, Any], token: str) -> bool:
    """HMAC keys, an empty payload, and figures whose header names another algorithm than their key does."""
    return jwk["kty"] == "oct" or ".." in token or jwk["kid"] == "bilbo.baggins@hobbiton.example"


@pytest.mark.parametrize(("jwk", "token", "result"), _CASES)
def test_vectors_are_accepted_exactly_when_valid_and_within_our_algorithms(
    jwk: dict[str, Any], token: str, result: str
) -> None:
    if result == "invalid":
        assert not _accepts(jwk, token)
    elif not _deliberately_stricter(jwk, token):
        assert _accepts(jwk, token)


def test_the_vectors_hold_invalid_and_valid_cases_of_asymmetric_keys() -> None:
    results = [case[1] for group in _GROUPS if group["key"]["kty"] != "oct" for case in group["tests"]]
    assert results.count("invalid") > 300
    assert results.count("valid") > 25
