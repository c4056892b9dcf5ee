"""One implementation of a contract behind HTTP, with the policies of a process and a Valkey of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar

from shared.binding.declare import Contract
from shared.binding.edge import Edge
from shared.binding.inbound import Inbound
from shared.binding.routes import routes
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.host.server import free_port, serving
from shared.messaging.idempotent_receiver import IdempotentReceiver
from shared.resilience.load_shedding import Shedder
from shared.resilience.rate_limit import RateLimiter
from shared.security.issuer import Issuer
from shared.security.signing_keys import SigningKeys


@asynccontextmanager
async def served_api(contract: type[Contract], implementation: Contract, folder: Path) -> AsyncIterator[str]:
    """Serve it; gives the URL of the API. What Valkey and the issuer keep lies in `folder`."""
    async with EmbeddedValkey(folder / "valkey") as embedded:
        valkey = valkey_client(embedded.url)
        limiter, port = RateLimiter(valkey), free_port()
        issuer = Issuer(f"http://127.0.0.1:{port}", SigningKeys(folder / "issuer"), (), {})
        inbound = Inbound(limiter, IdempotentReceiver(valkey, patience=1.0))
        handlers: list[Any] = [*routes(contract, implementation, inbound, issuer.verifier)]
        app = Litestar(route_handlers=handlers, openapi_config=None, logging_config=None)
        async with serving(Edge(app, Shedder(100)), "127.0.0.1", port):
            yield f"http://127.0.0.1:{port}{contract.prefix}"
        await limiter.aclose()
        await valkey.aclose()
