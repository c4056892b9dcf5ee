"""What every sandbox shares: how it is declared, served, watched and made to fail.

A folder `sandboxes/<name>/` becomes a sandbox by exposing `sandbox`, and nothing else lists it::

    from sandboxes.kit import Clock, Request, Response, Router, Sandbox, SandboxApp, State, http_app

    def create_app(state: Path | None, clock: Clock) -> SandboxApp:
        store = State(state, SCHEMA, seed)          # seed(connection) runs once, on a new database
        router = Router()
        router.add("GET", "/things/{id}", show)     # async def show(request: Request) -> Response

        async def respond(request: Request) -> Response:
            endpoint = router.find(request)         # an endpoint, or the allowed methods: () means 404
            if isinstance(endpoint, tuple):
                return Response({"error": "..."}, status=405 if endpoint else 404)
            return await endpoint(request)

        return SandboxApp(http_app(respond), close=store.close, reset=store.reset,
                          ledger=lambda: {"things": [...]}, controls={"expire-tokens": lambda body: {...}})

    sandbox = Sandbox(name="salesforce", create=create_app)

`SandboxApp.asgi` may be any ASGI app; `http_app`, `Router`, `Request` and `Response` are a convenience.

The kit adds the control path to each (see `control.py`):

- `GET /__sandbox__/requests?trace_id=&limit=`: what was asked, oldest first
- `POST /__sandbox__/faults`, `DELETE /__sandbox__/faults`: make chosen requests fail (see `faults.py`)
- `POST /__sandbox__/reset`: back to the seed, no faults, empty log, true time
- `POST /__sandbox__/clock` `{"offset_seconds": n}`: move the sandbox's time
- `GET /__sandbox__/ledger`: what the sandbox says it did
- `POST /__sandbox__/{name}` for each of the app's own `controls`

Tests use `async with serve_sandbox("easypost") as base_url`, which serves from a thread of its own, so that
blocking clients can call it. `python -m sandboxes --state DIR --ports-file FILE` serves all.
"""

from sandboxes.kit.asgi import ASGIApp, Message, Receive, Scope, Send
from sandboxes.kit.clock import Clock
from sandboxes.kit.http import Endpoint, Request, Response, Router, http_app, read_body, send_response
from sandboxes.kit.sandbox import Control, DatabaseSandbox, Sandbox, SandboxApp, UnknownSandboxError, discover
from sandboxes.kit.serving import serve_all, serve_sandbox
from sandboxes.kit.state import State

__all__ = [
    "ASGIApp",
    "Clock",
    "Control",
    "DatabaseSandbox",
    "Endpoint",
    "Message",
    "Receive",
    "Request",
    "Response",
    "Router",
    "Sandbox",
    "SandboxApp",
    "Scope",
    "Send",
    "State",
    "UnknownSandboxError",
    "discover",
    "http_app",
    "read_body",
    "send_response",
    "serve_all",
    "serve_sandbox",
]
