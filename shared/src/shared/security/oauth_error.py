"""What the token endpoint answers when it says no (RFC 6749 §5.2, RFC 8693 §2.2.2)."""

from typing import Literal

ErrorCode = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
]


class OAuthError(Exception):
    """A refused token request; `description` says what to do and holds nothing secret."""

    def __init__(self, code: ErrorCode, description: str) -> None:
        super().__init__(description)
        self.code: ErrorCode = code
        self.description = description

    @property
    def status(self) -> int:
        """The HTTP status: 401 if the client could not be authenticated, else 400."""
        return 401 if self.code == "invalid_client" else 400
