"""The session of one org: credentials for the connector, and what else can be asked about them."""

from collections.abc import Mapping
from typing import cast

from shared.resilience.credentials import FetchedCredentials, is_unauthorised
from shared.resilience.outbound import Outbound
from shared.resilience.outbound_settings import BackendSettings
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret
from system_apis.salesforce.faults import problem_of_token_reply
from system_apis.salesforce.oauth.grants import ClientCredentials, Grant, JwtBearer, UsernamePassword
from system_apis.salesforce.oauth.refresh import RefreshToken
from system_apis.salesforce.oauth.settings import LoginSettings
from system_apis.salesforce.oauth.token_endpoint import Introspection, TokenEndpoint


class OrgSession:
    """The session that all calls to one org share: one token at a time, asked for once for any number of waiters.

    Args:
        name: The backend's name; its login host appears as `{name}-login`.
        settings: The org's.
        outbound: Where backends come from.
    """

    def __init__(self, name: str, settings: LoginSettings, outbound: Outbound) -> None:
        self.endpoint = endpoint_of(name, settings, outbound)
        self._grant = grant_of(settings, self.endpoint)
        self.credentials = FetchedCredentials(self._fetch, refused=_ended)

    async def introspect(self) -> Introspection:
        """What the session is good for now.

        Raises:
            Problem: See `TokenEndpoint.introspect`.
        """
        return await self.endpoint.introspect(await self._bearer())

    async def end(self) -> None:
        """Revoke the access token; the next call begins another session.

        Raises:
            Problem: See `TokenEndpoint.revoke`.
        """
        await self.endpoint.revoke(await self._bearer())

    async def _bearer(self) -> str:
        return (await self.credentials.headers())["authorization"].removeprefix("Bearer ")

    async def _fetch(self) -> Mapping[str, str]:
        return {"authorization": f"Bearer {(await self._grant.token()).access_token}"}


def endpoint_of(name: str, settings: LoginSettings, outbound: Outbound) -> TokenEndpoint:
    """The token endpoint of the settings' login host, which is the My Domain unless they name another."""
    login = BackendSettings(
        url=settings.login_url or settings.url,
        timeout=settings.timeout,
        retry_delays=settings.retry_delays,
        retry_share=settings.retry_share,
    )
    return TokenEndpoint(
        outbound.backend(f"{name}-login", login, credentials=None, classify=problem_of_token_reply),
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        instances=(settings.url, *settings.instance_urls),
    )


def grant_of(settings: LoginSettings, endpoint: TokenEndpoint) -> Grant:
    """The grant that `auth` chooses; settings that lack what it needs were refused when they were made."""
    if settings.auth == "client-credentials":
        return ClientCredentials(endpoint)
    if settings.auth == "refresh-token" and settings.refresh_token:
        return RefreshToken(endpoint, settings.refresh_token)
    username = settings.username
    if settings.auth == "username-password" and settings.password:
        return UsernamePassword(
            endpoint, username=username, password=settings.password, security_token=settings.security_token
        )
    return JwtBearer(
        endpoint,
        client_id=settings.client_id,
        username=username,
        audience=settings.assertion_audience,
        private_key=cast("Secret", settings.private_key),
    )


def _ended(reply: WireReply) -> bool:
    """Whether the session is over; the identity endpoints say so with 403 and a word."""
    return is_unauthorised(reply) or (reply.status == 403 and reply.body.startswith(b"Bad_OAuth_Token"))  # noqa: PLR2004
