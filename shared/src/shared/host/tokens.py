"""Tokens for the command line: by the OAuth door that an app uses, or straight from the issuer's key in development."""

from pathlib import Path

import httpx
import msgspec

from shared.binding.problems import BackendUnavailable, Forbidden
from shared.host.api import installed_apis
from shared.host.development import issue_documentation_token
from shared.host.runtime import NotRunning, Runtime
from shared.host.topology import chosen_apis, load_topology
from shared.security.issuer import Issuer
from shared.security.signing_keys import SigningKeys


class _Answer(msgspec.Struct):
    access_token: str = ""
    error_description: str = ""


async def app_token(runtime: Runtime, client: str) -> str:
    """A token for one of the topology's applications, by client_credentials with its secret.

    Raises:
        NotRunning: There is no such application, or the issuer does not answer.
        Forbidden: The issuer said no; says why.
    """
    topology = load_topology(Path(runtime.topology))
    app = topology.clients.get(client)
    secret = Path(runtime.state) / "clients" / f"{client}.secret"
    if app is None or not secret.exists():
        raise NotRunning(f"The topology has no client {client!r}; it has {', '.join(topology.clients) or 'none'}.")
    contracts = {api.contract.slug: api.contract for api in chosen_apis(topology, installed_apis())}
    form = {
        "grant_type": "client_credentials",
        "audience": contracts[app.audience].audience,
        "scope": " ".join(app.scopes),
    }
    try:
        async with httpx.AsyncClient(timeout=5.0) as http:
            answer = await http.post(f"{runtime.issuer}/oauth2/token", data=form, auth=(client, secret.read_text()))
    except httpx.HTTPError:
        raise BackendUnavailable(f"The issuer at {runtime.issuer} does not answer; is the suite running?") from None
    found = msgspec.json.decode(answer.content, type=_Answer)
    if not found.access_token:
        raise Forbidden(f"The issuer refused: {found.error_description}")
    return found.access_token


def development_token(runtime: Runtime, slug: str) -> str:
    """A token for any API of the suite, signed with the key in the state directory; development only."""
    if not runtime.development:
        raise Forbidden("This suite does not run for development; use a client's own token.")
    topology = load_topology(Path(runtime.topology))
    issuer = Issuer(runtime.issuer, SigningKeys(Path(runtime.state) / "issuer"))
    return issue_documentation_token(issuer, chosen_apis(topology, installed_apis()), slug)
