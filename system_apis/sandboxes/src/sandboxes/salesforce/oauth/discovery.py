"""OpenID Connect Discovery, and the keys that it names."""

from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.org import Org

_CLIENT_AUTHENTICATION = ("client_secret_post", "client_secret_basic", "private_key_jwt")
_PATHS = {
    "authorization_endpoint": "authorize",
    "token_endpoint": "token",
    "revocation_endpoint": "revoke",
    "introspection_endpoint": "introspect",
    "userinfo_endpoint": "userinfo",
}


class Discovery:
    """Answers /.well-known/openid-configuration and /id/keys.

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def configuration(self, request: Request) -> Response:
        """Where everything is and what it can."""
        endpoints = {name: f"{request.origin}/services/oauth2/{path}" for name, path in _PATHS.items()}
        return Response(
            200,
            {
                "issuer": request.origin,
                **endpoints,
                "jwks_uri": f"{request.origin}/id/keys",
                "scopes_supported": ["api", "full", "id", "offline_access", "openid", "refresh_token", "web"],
                "response_types_supported": ["code", "token", "token id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "display_values_supported": ["page", "popup", "touch"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "client_secret_basic",
                    "private_key_jwt",
                ],
            },
        )

    def keys(self, request: Request) -> Response:
        """The public keys of id tokens."""
        del request
        return Response(200, self._org.signing.jwks())
