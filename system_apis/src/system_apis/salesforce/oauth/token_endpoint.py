"""The OAuth endpoints of a login host, as far as apps talk to them directly."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from shared.binding.problems import BackendFault
from shared.resilience.outbound import Backend
from shared.resilience.outbound_faults import decode_json
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret, UnreadableSecretError
from shared.telemetry.logging import get_logger
from system_apis.salesforce.faults import BACKEND

_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_log = get_logger("salesforce")


class Token(msgspec.Struct, frozen=True):
    """A token endpoint's answer (RFC 6749 §5.1, and where the org lives). It says no life: a 401 ends it.

    Attributes:
        access_token: What requests carry.
        instance_url: Where the org says it lives.
        id: URL of the user; ends in the ids of org and user.
        scope: What was granted, separated by blanks.
        refresh_token: Empty unless one was given, or the last one replaced.
        id_token: Who logged in, for the scope openid.
    """

    access_token: str
    instance_url: str
    id: str = ""
    scope: str = ""
    refresh_token: str = ""
    id_token: str = ""

    def __repr__(self) -> str:
        """Where it leads, without what it is."""
        return f"Token(instance_url={self.instance_url!r}, scope={self.scope!r})"


class Introspection(msgspec.Struct, frozen=True):
    """What a token is good for (RFC 7662 §2.2); times in Unix seconds."""

    active: bool
    scope: str = ""
    client_id: str = ""
    username: str = ""
    sub: str = ""
    token_type: str = ""
    exp: int = 0
    iat: int = 0
    nbf: int = 0


class UserInfo(msgspec.Struct, frozen=True):
    """Whom a session acts for (OpenID Connect Core §5.3), as far as we need it; ids have 18 characters."""

    user_id: str
    organization_id: str
    preferred_username: str = ""


class TokenEndpoint:
    """One connected app at one login host.

    Args:
        login: The login host: login.salesforce.com, test.salesforce.com, or the org's My Domain.
        client_id: The app's consumer key.
        client_secret: Its secret, for the flows that authenticate the app; read at each use.
        instances: Where tokens may say the org lives; the first is where we send requests.
    """

    def __init__(
        self, login: Backend, *, client_id: str, client_secret: Secret | None, instances: tuple[str, ...]
    ) -> None:
        self._login = login
        self._client_id, self._client_secret = client_id, client_secret
        self._origins = frozenset(_origin(url) for url in instances)

    async def grant(self, form: Mapping[str, str], *, repeatable: bool = True) -> Token:
        """A token for a grant whose proof is in the form.

        Args:
            form: `grant_type` and what belongs to it; the app's id and secret are added.
            repeatable: False for what can be redeemed once: a lost answer is then not asked for again.

        Raises:
            Problem: The endpoint cannot be reached, refuses us, or sends us to an org we were not told of.
        """
        reply = await self.post("token", self._client() | dict(form), "salesforce.token", repeatable=repeatable)
        return self.trusted(decode_json(reply, Token, backend=BACKEND))

    def trusted(self, token: Token) -> Token:
        """The token, if the org that it names is ours.

        Raises:
            BackendFault: It names another host.
        """
        origin = _origin(token.instance_url)
        if origin not in self._origins:
            _log.error("salesforce.foreign_instance", instance=origin)
            raise BackendFault(
                "Salesforce says that our org lives on another host; set url to it or list it in instance_urls."
            )
        return token

    async def revoke(self, token: str) -> None:
        """End a token; a refresh token takes its access tokens along. The token travels in the body.

        Raises:
            Problem: It is not known any more, or the endpoint cannot be reached.
        """
        await self.post("revoke", {"token": token}, "salesforce.revoke", repeatable=False)

    async def introspect(self, token: str, hint: str = "access_token") -> Introspection:
        """What a token is good for now.

        Raises:
            Problem: The app has no secret or a wrong one, or the endpoint cannot be reached.
        """
        form = {"token": token, "token_type_hint": hint} | self._client()
        reply = await self.post("introspect", form, "salesforce.introspect", repeatable=True)
        return decode_json(reply, Introspection, backend=BACKEND)

    async def post(self, endpoint: str, form: Mapping[str, str], operation: str, *, repeatable: bool) -> WireReply:
        """Send a form to /services/oauth2/{endpoint}; what is secret stays in the body."""
        return await self._login.send(
            "POST",
            f"/services/oauth2/{endpoint}",
            headers=_FORM,
            body=urlencode(form).encode(),
            repeatable=repeatable,
            operation=operation,
        )

    def _client(self) -> dict[str, str]:
        if self._client_secret is None:
            return {"client_id": self._client_id}
        return {"client_id": self._client_id, "client_secret": revealed(self._client_secret)}


def revealed(secret: Secret) -> str:
    """A secret for the wire.

    Raises:
        BackendFault: It cannot be read; says where it is.
    """
    try:
        return secret.reveal()
    except UnreadableSecretError as error:
        raise BackendFault(f"We cannot log in to Salesforce: {error}") from None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
