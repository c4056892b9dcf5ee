"""One outbound call: what is sent, and what is known about its fate."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from shared.binding.problems import BackendFault

_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


class OutboundCall:
    """What goes to a backend.

    Attributes:
        method: HTTP method in capitals.
        url: Absolute, with query.
        headers: Of the connector, without credentials.
        body: Encoded.
        repeatable: Whether sending it twice does what sending it once does.
        operation: What is being done, in the contract's words.
        answered: Whether any answer came, of whatever status.
    """

    __slots__ = ("answered", "body", "headers", "method", "operation", "repeatable", "url")

    def __init__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        operation: str,
        repeatable: bool | None,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers or {}
        self.body = body
        self.operation = operation
        self.repeatable = method in _REPEATABLE if repeatable is None else repeatable
        self.answered = False


class ServerAddress:
    """Where a backend is; resolves paths and refuses to leave the server.

    Args:
        backend: Named in the refusal.
        url: Everything before the path.
    """

    def __init__(self, backend: str, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.query or "@" in parts.netloc:
            raise ValueError(
                f"The URL of {backend} must be http(s)://host[:port][/path], without user, password or query."
            )
        self._backend = backend
        self._root = url.rstrip("/")
        self._origin = f"{parts.scheme}://{parts.netloc}/"
        self.host: Final = parts.hostname
        self.port: Final = parts.port or _DEFAULT_PORTS[parts.scheme]

    def resolve(self, path: str) -> str:
        """The absolute URL of a path, or of a link the backend itself handed out.

        Raises:
            BackendFault: The link leads to another server; our credentials do not go there.
        """
        if path.startswith("/"):
            return self._root + path
        if path.startswith(self._origin):
            return path
        raise BackendFault(f"{self._backend} handed out a link that leads away from it; it was not followed.")
