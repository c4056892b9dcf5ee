"""Refresh tokens (RFC 6749 §6), also where each is good for one use (Refresh Token Rotation).

A used one that is sent again ends everything that was granted, so one process refreshes at a time, and a new refresh
token is on the disk before anybody acts on its access token. A refresh whose answer was lost can only be repeated: if
the org had done it, the successor is lost as well, and a person has to log in again.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from shared.binding.problems import BackendFault
from shared.security.secrets import Secret, UnreadableSecretError
from shared.telemetry.logging import get_logger
from system_apis.salesforce.oauth.token_endpoint import Token, TokenEndpoint, revealed

_LOCK_POLL_SECONDS = 0.05
_log = get_logger("salesforce")


class RefreshToken:
    """A grant that a person once gave.

    Args:
        endpoint: Where tokens come from.
        kept: Where the refresh token is; in a file it is replaced when the org hands out another one.
    """

    def __init__(self, endpoint: TokenEndpoint, kept: Secret) -> None:
        self._endpoint, self._kept = endpoint, kept

    async def token(self) -> Token:
        """A token for the refresh token that is kept now.

        Raises:
            BackendFault: It is no longer accepted, or its successor could not be kept.
            Problem: The endpoint cannot be reached.
        """
        async with self._alone():
            used = revealed(self._kept)
            form = {"grant_type": "refresh_token", "refresh_token": used}
            token = await self._endpoint.grant(form)
            if token.refresh_token and token.refresh_token != used:
                await asyncio.shield(asyncio.to_thread(self._keep, token.refresh_token))
            return token

    def _keep(self, refresh_token: str) -> None:
        try:
            self._kept.replace(refresh_token)
        except (UnreadableSecretError, OSError):
            _log.critical("salesforce.refresh_token_lost", kept=str(self._kept))
            raise BackendFault(
                f"Salesforce replaced our refresh token and {self._kept!s} cannot hold the new one. Let refresh_token "
                "name a file that this process may write, and log in again: python -m system_apis.salesforce.oauth."
            ) from None

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[None]:
        """No other process on this machine refreshes meanwhile."""
        path = self._kept.path
        if path is None:
            yield
            return
        with _lock_file(path) as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:  # polled, so that a cancelled caller leaves no thread with the lock behind
                    await asyncio.sleep(_LOCK_POLL_SECONDS)
            yield


def _lock_file(path: Path) -> IO[bytes]:
    lock = path.with_name(f"{path.name}.lock")
    try:
        return os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "rb+")
    except OSError as error:
        raise BackendFault(
            f"{lock} cannot be made ({type(error).__name__}); a refresh token needs a folder that we may write."
        ) from None
