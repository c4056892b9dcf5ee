"""How we log in to an org, and the refusal of settings that could not."""

from typing import Literal
from urllib.parse import urlsplit

from shared.resilience.outbound_settings import BackendSettings
from shared.security.secrets import Secret

Auth = Literal["jwt-bearer", "client-credentials", "refresh-token", "username-password"]
REQUIRED: dict[Auth, tuple[str, ...]] = {
    "jwt-bearer": ("username", "private_key"),
    "client-credentials": ("client_secret",),
    "refresh-token": ("refresh_token",),
    "username-password": ("username", "password", "client_secret"),
}
_SHARED_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})


class LoginSettings(BackendSettings, frozen=True, kw_only=True):
    """How one org is reached and how we get in.

    Attributes:
        url: The org's My Domain.
        auth: The flow. `refresh-token` lives on what a person granted with the web server or device flow.
        login_url: Where tokens are issued: login.salesforce.com, test.salesforce.com (sandboxes); `url` when empty.
        client_id: Consumer key of the connected app.
        client_secret: Its secret; JWT bearer needs none.
        username: The integration user (`jwt-bearer`, `username-password`).
        private_key: Where the PEM of the RSA key is whose certificate the connected app holds (`jwt-bearer`).
        audience: `aud` of assertions; by default test.salesforce.com for a sandbox's url, else login.salesforce.com.
        password: The user's password (`username-password`).
        security_token: What is appended to it outside trusted networks.
        refresh_token: Where the refresh token is. Name a file: an org with Refresh Token Rotation replaces it.
        instance_urls: Hosts besides `url` that a token may name as the org's, e.g. behind a proxy.

    Raises:
        ValueError: `auth` needs what is not set.
    """

    auth: Auth = "jwt-bearer"
    login_url: str = ""
    client_id: str = "triptych-local"
    client_secret: Secret | None = None
    username: str = ""
    private_key: Secret | None = None
    audience: str = ""
    password: Secret | None = None
    security_token: Secret | None = None
    refresh_token: Secret | None = None
    instance_urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse at the start what would fail at the first call."""
        missing = [name for name in REQUIRED[self.auth] if not getattr(self, name)]
        if missing:
            raise ValueError(f'auth = "{self.auth}" needs {" and ".join(missing)}: set it, or choose another auth')
        if self.auth == "client-credentials" and urlsplit(self.login_url or self.url).hostname in _SHARED_HOSTS:
            raise ValueError('auth = "client-credentials" is served on My Domains only: leave login_url empty')

    @property
    def assertion_audience(self) -> str:
        """`aud` of assertions."""
        hosts = [urlsplit(each).hostname or "" for each in (self.url, self.login_url)]
        testing = any(host == "test.salesforce.com" or ".sandbox." in host for host in hosts)
        return self.audience or f"https://{'test' if testing else 'login'}.salesforce.com"
