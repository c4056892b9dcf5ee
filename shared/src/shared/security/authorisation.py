"""May this caller do that: scopes, and the challenge that tells a refused client what to change."""

import re

from shared.binding.call_context import Principal
from shared.binding.problems import MissingScope, Problem, SignatureRefused, Unauthenticated

_NOT_QUOTABLE = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def require_scope(principal: Principal, scope: str) -> None:
    """Raise MissingScope, naming it in `extensions["scope"]`, unless the principal has `scope`."""
    if scope not in principal.scopes:
        raise MissingScope(
            f"This operation needs the scope {scope}, which the token lacks; ask for a token that has it.",
            extensions={"scope": scope},
        )


def www_authenticate(problem: Problem, realm: str, resource_metadata: str | None = None) -> str:
    """The `WWW-Authenticate` value that goes with `problem` (RFC 6750 §3, RFC 9728 §5.1).

    Where only a signature opens, no token is asked for. A request without any token
    (`extensions["reason"] == "missing"`) gets a bare challenge, as RFC 6750 asks. `resource_metadata` is the URL of
    the API's protected resource metadata.
    """
    parameters = {"realm": realm}
    scheme = "Signature" if isinstance(problem, SignatureRefused) else "Bearer"
    if isinstance(problem, MissingScope):
        parameters |= {"error": "insufficient_scope", "error_description": problem.detail}
        parameters["scope"] = str(problem.extensions.get("scope", ""))
    elif scheme == "Bearer" and isinstance(problem, Unauthenticated) and problem.extensions.get("reason") != "missing":
        parameters |= {"error": "invalid_token", "error_description": problem.detail}
    if resource_metadata is not None:
        parameters["resource_metadata"] = resource_metadata
    quoted = (f'{name}="{_NOT_QUOTABLE.sub(" ", value)}"' for name, value in parameters.items())
    return f"{scheme} " + ", ".join(quoted)
