"""The web server flow with PKCE (RFC 6749 §4.1, RFC 7636): a browser goes there, a code comes back."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from shared.binding.problems import BackendFault
from system_apis.salesforce.oauth.token_endpoint import Token, TokenEndpoint


class WebServerLogin(msgspec.Struct, frozen=True):
    """One attempt of one person; its verifier and state are good for that attempt alone.

    Attributes:
        client_id: Consumer key of the connected app.
        redirect_uri: Where the browser comes back to, exactly as the app lists it.
        scope: What is asked for; `refresh_token` among it to stay logged in.
        state: Comes back with the answer, and must be the same.
        verifier: What only we know and redeem the code with (43 to 128 characters).
    """

    client_id: str
    redirect_uri: str
    scope: str = "api refresh_token"
    state: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(24))
    verifier: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(64))

    def __repr__(self) -> str:
        """Without what is secret."""
        return f"WebServerLogin(client_id={self.client_id!r}, redirect_uri={self.redirect_uri!r})"

    def authorize_url(self, login_url: str, *, login_hint: str = "", prompt: str = "") -> str:
        """Where to send the browser. Nothing in it is secret: the challenge is a digest (S256)."""
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": self.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        more = {name: value for name, value in (("login_hint", login_hint), ("prompt", prompt)) if value}
        return f"{login_url.rstrip('/')}/services/oauth2/authorize?{urlencode(asked | more)}"

    async def redeem(self, endpoint: TokenEndpoint, answered: str) -> Token:
        """The token for the address that the browser came back to.

        Raises:
            BackendFault: The person refused, or the answer belongs to another attempt.
            Problem: The code is refused or the endpoint cannot be reached.
        """
        code = checked_answer(urlsplit(answered).query, self.state, "code")["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        return await endpoint.grant(form | {"code_verifier": self.verifier}, repeatable=False)


def checked_answer(encoded: str, state: str, wanted: str) -> dict[str, str]:
    """The parameters of a browser's answer, when it is to our question and says yes.

    Raises:
        BackendFault: It is not.
    """
    answer = {name: values[0] for name, values in parse_qs(encoded).items()}
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise BackendFault("The answer does not belong to this login (state differs); begin the login again.")
    if answer.get("error") == "access_denied":
        raise BackendFault("Access was denied on the page; log in again and allow it.")
    if "error" in answer or wanted not in answer:
        raise BackendFault(
            "Salesforce did not grant access; compare client_id, redirect_uri and scope with the connected app."
        )
    return answer
