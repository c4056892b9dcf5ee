"""Tokens of the one custom service: the same one for an hour, as `expires_in` then tells."""

import hmac
import os
import uuid
from typing import Any

from sandboxes.kit import Clock
from sandboxes.marketo.refusals import HttpRefusal, Refusal

CLIENT_ID = "7f0c2a51-38be-4d0e-9c57-1b6a4e8d2f93"
CLIENT_SECRET = "Hq3xWv8Zr1LkTn6YbJd5Ps0GmCu7Ae2F"  # noqa: S105 - opens this sandbox and nothing else
SECRET_VARIABLE = "SANDBOX_MARKETO_CLIENT_SECRET"  # noqa: S105 - a name
"""Environment variable with the secret to take instead, so that whoever starts the sandbox may choose it."""

_LIFE = 3600.0


class Tokens:
    """What the identity endpoint issued."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._token, self._ends = "", 0.0

    def issue(self, form: dict[str, str]) -> dict[str, Any]:
        """`GET` or `POST /identity/oauth/token`."""
        if form.get("grant_type") != "client_credentials":
            raise _unauthorised("unsupported_grant_type", f"Unsupported grant type: {form.get('grant_type')}")
        if form.get("client_id") != CLIENT_ID:
            raise _unauthorised("unauthorized", f"No client with requested id: {form.get('client_id')}")
        secret = os.environ.get(SECRET_VARIABLE, CLIENT_SECRET)
        if not hmac.compare_digest(form.get("client_secret", "").encode(), secret.encode()):
            raise _unauthorised("unauthorized", "Bad client credentials")
        now = self._clock.timestamp()
        if now >= self._ends:
            self._token, self._ends = f"{uuid.uuid4()}:lon", now + _LIFE
        left = int(self._ends - now)
        return {
            "access_token": self._token, "token_type": "bearer", "expires_in": left,
            "scope": "triptych@tarn-gauge.example",
        }  # fmt: skip

    def check(self, authorization: str) -> None:
        """Let in who has the current token."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(600, "Empty access token")
        if not self._token or not hmac.compare_digest(token.encode(), self._token.encode()):
            raise Refusal(601, "Access token invalid")
        if self._clock.timestamp() >= self._ends:
            raise Refusal(602, "Access token expired")

    def expire(self, body: dict[str, Any]) -> dict[str, Any]:
        """The control `expire-tokens`."""
        self._ends = 0.0
        return body


def _unauthorised(error: str, description: str) -> HttpRefusal:
    return HttpRefusal(401, {"error": error, "error_description": description})
