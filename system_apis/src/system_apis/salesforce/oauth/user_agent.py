"""The user-agent flow (RFC 6749 §4.2): the token itself comes back, in the fragment that no server sees.

It is here for apps that have nothing else; what can keep a verifier uses the web server flow.
"""

import secrets
from urllib.parse import urlencode, urlsplit

import msgspec

from shared.binding.problems import BackendFault
from system_apis.salesforce.oauth.token_endpoint import Token, TokenEndpoint
from system_apis.salesforce.oauth.web_server import checked_answer


class UserAgentLogin(msgspec.Struct, frozen=True):
    """One attempt of one person.

    Attributes:
        client_id: Consumer key of the connected app.
        redirect_uri: Where the browser comes back to, exactly as the app lists it.
        scope: What is asked for.
        state: Comes back with the answer, and must be the same.
    """

    client_id: str
    redirect_uri: str
    scope: str = "api"
    state: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(24))

    def authorize_url(self, login_url: str) -> str:
        """Where to send the browser."""
        asked = {
            "response_type": "token",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": self.state,
        }
        return f"{login_url.rstrip('/')}/services/oauth2/authorize?{urlencode(asked)}"

    def token(self, endpoint: TokenEndpoint, answered: str) -> Token:
        """The token in the fragment of the address that the browser came back to.

        Raises:
            BackendFault: The person refused, the answer is to another question, or it names an org that is not ours.
        """
        answer = checked_answer(urlsplit(answered).fragment, self.state, "access_token")
        try:
            return endpoint.trusted(msgspec.convert(answer, Token))
        except msgspec.ValidationError:
            raise BackendFault("Salesforce answered without an instance_url; begin the login again.") from None
