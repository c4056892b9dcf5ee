"""What only a developer's own machine may do, guarded against other machines and other sites in the same browser."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from litestar import Request

from shared.binding.problems import Forbidden, NotFound
from shared.host.api import Api
from shared.host.call_graph import calls
from shared.host.placement import Placement
from shared.host.runtime import Runtime
from shared.host.topology import edge_url
from shared.security.issuer import Issuer

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SUBJECT = "developer@localhost"


def require_this_machine(request: Request[Any, Any, Any], runtime: Runtime) -> None:
    """Raises Forbidden unless the request names a loopback host and comes from no other site.

    The `Host` check defeats DNS rebinding, the `Origin` and `Sec-Fetch-Site` checks cross-site requests.
    """
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        host = None
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "none")
    ours = {url.rstrip("/") for url in runtime.processes.values()}
    local_origins = ours | {url.replace("127.0.0.1", "localhost") for url in ours}
    foreign = (origin is not None and origin not in local_origins) or site not in ("none", "same-origin", "same-site")
    if host not in _LOOPBACK or foreign:
        raise Forbidden("Only pages and tools on this machine may ask for this.")


def pages_that_may_call(runtime: Runtime, placement: Placement) -> frozenset[str]:
    """Origins of the edge's documentation page, under either name of this machine; none outside development."""
    if not runtime.development:
        return frozenset()
    edge = edge_url(runtime.processes, placement.topology).rstrip("/")
    return frozenset((edge, edge.replace("127.0.0.1", "localhost"))) - {runtime.processes[placement.process]}


def issue_documentation_token(issuer: Issuer, apis: Sequence[Api], slug: str) -> str:
    """A token of ten minutes for one API with all its scopes, and those of the APIs it calls for a caller."""
    api = next((api for api in apis if api.contract.slug == slug), None)
    if api is None:
        slugs = ", ".join(sorted(api.contract.slug for api in apis))
        raise NotFound(f"There is no API {slug[:80]!r} in this topology; it has {slugs}.")
    scopes = api.contract.scopes().union(*(callee.scopes() for callee in calls(api)))
    return issuer.issue(SUBJECT, "documentation", api.contract.audience, scopes, tier="gold")
