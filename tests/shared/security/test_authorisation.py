"""Scopes, and the challenge a refused client gets."""

import pytest

from shared.binding.call_context import Principal
from shared.binding.problems import Forbidden, MissingScope, Problem, Unauthenticated
from shared.security.authorisation import require_scope, www_authenticate

CALLER = Principal("ada", "mobile", "urn:a", frozenset({"crm:read"}), 0, "issuer")


def test_a_scope_the_principal_has_is_enough() -> None:
    require_scope(CALLER, "crm:read")


@pytest.mark.parametrize("scope", ["crm:write", "crm", "crm:rea", "CRM:READ", ""])
def test_a_scope_it_lacks_is_named(scope: str) -> None:
    with pytest.raises(MissingScope) as missing:
        require_scope(CALLER, scope)
    assert missing.value.extensions == {"scope": scope}
    assert missing.value.status == 403


@pytest.mark.parametrize(
    ("problem", "challenge"),
    [
        (Unauthenticated("Send a token.", extensions={"reason": "missing"}), 'Bearer realm="crm"'),
        (
            Unauthenticated("Expired.", extensions={"reason": "expired"}),
            'Bearer realm="crm", error="invalid_token", error_description="Expired."',
        ),
        (
            MissingScope("Needs more.", extensions={"scope": "crm:write"}),
            'Bearer realm="crm", error="insufficient_scope", error_description="Needs more.", scope="crm:write"',
        ),
        (Forbidden("No."), 'Bearer realm="crm"'),
        (
            Unauthenticated('a"b\\c\r\nd\u2026'),
            'Bearer realm="crm", error="invalid_token", error_description="a b c  d "',
        ),
    ],
)
def test_the_challenge_says_what_to_change(problem: Problem, challenge: str) -> None:
    assert www_authenticate(problem, "crm") == challenge
    metadata = "https://api.example/.well-known/oauth-protected-resource/crm"
    assert www_authenticate(problem, "crm", metadata) == f'{challenge}, resource_metadata="{metadata}"'
