"""The account over HTTP: which channel a path belongs to, and the control path."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandboxes.kit import Clock, Request, Response, SandboxApp, http_app
from sandboxes.netsuite.account import Account
from sandboxes.netsuite.auth.oauth2 import TOKEN_PATH
from sandboxes.netsuite.controls import Controls
from sandboxes.netsuite.rest.door import RestDoor
from sandboxes.netsuite.restlets.door import RESTLET, RestletDoor
from sandboxes.netsuite.soap.door import SoapDoor


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """An account that holds the seed company."""
    account = Account(state, clock)
    rest, restlets, soap = RestDoor(account), RestletDoor(account), SoapDoor(account)
    controls = Controls(account)

    async def respond(request: Request) -> Response:
        if request.path == TOKEN_PATH and request.method == "POST":
            return account.tokens.answer(request)
        if request.path.startswith("/services/rest/"):
            return await rest.answer(request)
        if request.path == RESTLET:
            return await restlets.answer(request)
        if request.path.startswith("/wsdl/"):
            return soap.described(request)
        if request.path.startswith("/services/NetSuitePort_"):
            return await soap.answer(request)
        return Response("Not found", 404, media_type="text/plain")

    def delay(body: dict[str, Any]) -> Mapping[str, float]:
        """`{"delay_seconds": 5}`: how long jobs wait, by the sandbox's clock."""
        rest.jobs.delay_seconds = soap.jobs.delay_seconds = float(body["delay_seconds"])
        return {"delay_seconds": rest.jobs.delay_seconds}

    def reset() -> None:
        account.reset()
        rest.jobs.delay_seconds = soap.jobs.delay_seconds = 0.0

    return SandboxApp(
        http_app(respond),
        close=account.state.close,
        reset=reset,
        ledger=controls.ledger,
        controls={"async": delay, "concurrency": account.concurrency.change, **controls.routes()},
    )
