"""The two HTTP calls OAuth needs, bounded: no redirects, no plain http off this machine, small answers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from shared.binding.problems import BackendUnavailable

if TYPE_CHECKING:
    import httpx

MAX_ANSWER_BYTES = 262_144
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class OAuthHttp(Protocol):
    """How this package reaches an issuer; each call returns (status, body) or raises BackendUnavailable."""

    async def get(self, url: str) -> tuple[int, bytes]:
        """Fetch `url`."""
        ...

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send `form` to `url`."""
        ...

    async def aclose(self) -> None:
        """Close connections; a later call may open them again."""
        ...


def require_trustworthy(url: str) -> str:
    """`url` back if it is https, or http to this very machine; else ValueError: keys and tokens need TLS."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return url
    raise ValueError(f"{parts.scheme}://{parts.hostname} carries keys or tokens without TLS; use https.")


class HttpxOAuth:
    """OAuthHttp over httpx.

    Args:
        timeout: Seconds for each phase (connect, write, read).
    """

    def __init__(self, timeout: float = 5.0) -> None:
        self._timeout = timeout
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str) -> tuple[int, bytes]:
        """Fetch `url` (https, or loopback)."""
        return await self._send("GET", url, None, {"accept": "application/json"})

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send `form`, urlencoded, to `url` (https, or loopback)."""
        return await self._send("POST", url, form, {"accept": "application/json", **headers})

    async def aclose(self) -> None:
        """See OAuthHttp."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _send(
        self, method: str, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        import httpx  # noqa: PLC0415 - a process that is its own issuer starts without it

        require_trustworthy(url)
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout, follow_redirects=False)
        try:
            async with self._client.stream(method, url, data=form, headers=headers) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise BackendUnavailable("The issuer's answer is larger than any key set or token.")
                return response.status_code, bytes(body)
        except httpx.HTTPError as error:
            raise BackendUnavailable(
                f"The issuer at {urlsplit(url).netloc} cannot be reached ({type(error).__name__}); try again."
            ) from None
