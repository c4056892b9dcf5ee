"""The flows that need no person: each asks for a token when the session of the last one has ended."""

import asyncio
from typing import Protocol

from shared.security.secrets import Secret
from system_apis.salesforce.oauth.assertions import signed_assertion
from system_apis.salesforce.oauth.token_endpoint import Token, TokenEndpoint, revealed


class Grant(Protocol):
    """A standing right to tokens."""

    async def token(self) -> Token:
        """A new token.

        Raises:
            Problem: None is to be had; says why and what to do.
        """
        ...


class JwtBearer:
    """Proves with our key that we are the app, and acts for a user who let the app in beforehand.

    Args:
        endpoint: Where tokens come from.
        client_id: Consumer key of the connected app (`iss`).
        username: The integration user (`sub`).
        audience: `aud`: login.salesforce.com, test.salesforce.com or the My Domain.
        private_key: PEM of the RSA key whose certificate the connected app holds; read at each use.
    """

    def __init__(
        self, endpoint: TokenEndpoint, *, client_id: str, username: str, audience: str, private_key: Secret
    ) -> None:
        self._endpoint = endpoint
        self._claims = {"iss": client_id, "sub": username, "aud": audience}
        self._private_key = private_key

    async def token(self) -> Token:
        """A token for a fresh assertion (RFC 7523 §2.1)."""
        assertion = await asyncio.to_thread(signed_assertion, self._claims, self._private_key)
        grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return await self._endpoint.grant({"grant_type": grant_type, "assertion": assertion})


class ClientCredentials:
    """The app itself, acting for the run-as user that the org names for it (RFC 6749 §4.4)."""

    def __init__(self, endpoint: TokenEndpoint) -> None:
        self._endpoint = endpoint

    async def token(self) -> Token:
        """A token for the app's id and secret."""
        return await self._endpoint.grant({"grant_type": "client_credentials"})


class UsernamePassword:
    """A user's own password (RFC 6749 §4.3); off in new orgs, and for those who have nothing better.

    Args:
        endpoint: Where tokens come from.
        username: The user.
        password: Their password.
        security_token: What Salesforce mailed them, appended to the password outside trusted networks.
    """

    def __init__(
        self, endpoint: TokenEndpoint, *, username: str, password: Secret, security_token: Secret | None
    ) -> None:
        self._endpoint, self._username = endpoint, username
        self._parts = (password,) if security_token is None else (password, security_token)

    async def token(self) -> Token:
        """A token for the password."""
        password = "".join(revealed(part) for part in self._parts)
        return await self._endpoint.grant({"grant_type": "password", "username": self._username, "password": password})
