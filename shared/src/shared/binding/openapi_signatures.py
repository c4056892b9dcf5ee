"""Webhooks as OpenAPI describes them: a security scheme for each sender, and the headers that it sends."""

from collections.abc import Iterable
from typing import Any

from shared.security.signature_schemes import SignatureScheme

Schemes = tuple[SignatureScheme, ...]

UNNAMED = "signature"
"""The scheme of a webhook whose implementation is not known."""


def requirements(schemes: Schemes) -> list[dict[str, list[str]]]:
    """The Security Requirements of a webhook: the signature of any one of these senders."""
    return [{scheme.name: []} for scheme in schemes] or [{UNNAMED: []}]


def security_schemes(schemes: Schemes) -> dict[str, Any]:
    """Security Schemes by name. OpenAPI knows no signatures; a header that opens is the nearest it has."""
    named = {scheme.name: _api_key(scheme.header, _explained(scheme)) for scheme in schemes}
    return named or {UNNAMED: _api_key("Signature", "As the backend signs, over the raw body.")}


def message_headers(schemes: Schemes) -> list[dict[str, Any]]:
    """Parameter Objects of what comes beside the signature."""
    found: dict[str, dict[str, Any]] = {}
    for scheme in schemes:
        for name, text, example in _beside(scheme):
            required = len(schemes) == 1 and name == scheme.timestamp_header
            schema = {"type": "string", "examples": [example]}
            found[name] = {"name": name, "in": "header", "required": required, "description": text, "schema": schema}
    return list(found.values())


def message_body(schemes: Schemes) -> dict[str, Any]:
    """The Request Body Object: the sender's own document."""
    senders = " or ".join(scheme.sender for scheme in schemes) or "the sender"
    described = f"The document of {senders}, whose signature covers it byte for byte."
    return {"required": True, "description": described, "content": {"application/json": {"schema": {}}}}


def opened_by(schemes: Schemes) -> str:
    """The sentence that stands where other operations name their scope."""
    senders = " or ".join(scheme.sender for scheme in schemes) or "its sender"
    return f"Called by {senders}, told by the signature over the raw body; no token opens it."


def _api_key(header: str, described: str) -> dict[str, Any]:
    return {"type": "apiKey", "in": "header", "name": header, "description": described}


def _explained(scheme: SignatureScheme) -> str:
    covered = "the raw body" if not scheme.timestamp_header else "the raw body and what its documentation adds to it"
    text = f"{scheme.sender}'s signature: HMAC-SHA256 over {covered}, {scheme.encoding}"
    text += f", after `{scheme.prefix}`" if scheme.prefix else ""
    window = f" At most {scheme.tolerance:g} seconds old." if scheme.timestamp_header else ""
    return f"{text}, under the shared secret.{window}"


def _beside(scheme: SignatureScheme) -> Iterable[tuple[str, str, str]]:
    described = (
        (scheme.timestamp_header, "When it was signed; part of what is signed.", "1795456800"),
        (
            scheme.id_header,
            "The sender's id of the message, the same for each attempt.",
            "b54557e4-bdd9-4b37-8a5f-bf7d",
        ),
        (scheme.topic_header, "What the message is about.", "orders/create"),
    )
    return [header for header in described if header[0]]
