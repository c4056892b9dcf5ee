"""RESTlets over HTTP."""

from typing import Any

import msgspec

from sandboxes.kit import Request, Response
from sandboxes.netsuite.account import Account
from sandboxes.netsuite.concurrency import TooManyRequestsError
from sandboxes.netsuite.refusals import Refusal
from sandboxes.netsuite.rest.door import authenticate
from sandboxes.netsuite.restlets.scripts import DEPLOYED

RESTLET = "/app/site/hosting/restlet.nl"
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})


class RestletDoor:
    """`/app/site/hosting/restlet.nl?script=&deploy=`."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def answer(self, request: Request) -> Response:
        """Run a script."""
        try:
            authenticate(self._account, request, "restlets")
            async with self._account.concurrency.slot():
                return self._run(request)
        except TooManyRequestsError:
            # Not 429: a RESTlet's caller tells by the code.
            return _error(Refusal("SSS_REQUEST_LIMIT_EXCEEDED", "Request limit exceeded.", 400))
        except Refusal as refused:
            return _error(refused)

    def _run(self, request: Request) -> Response:
        query = request.query
        for name in ("script", "deploy"):
            if not query.get(name):
                raise Refusal("SSS_MISSING_REQD_ARGUMENT", f"Missing a required argument: {name}")
        methods = DEPLOYED.get((query["script"], query["deploy"]))
        if methods is None:
            raise Refusal(
                "SSS_INVALID_SCRIPTLET_ID", "That Suitelet is invalid, disabled, or no longer exists.", 404
            )  # fmt: skip
        script = methods.get(request.method)
        if script is None or request.method not in _METHODS:
            raise Refusal("METHOD_NOT_ALLOWED", f"The script does not implement {request.method}.", 405)
        return Response(script(self._account.records, query, _body(request)))


def _body(request: Request) -> Any:
    """JSON as an object, text as it is."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not request.body or media_type == "text/plain":
        return request.body.decode("utf-8", "replace")
    if media_type != "application/json":
        raise Refusal("UNSUPPORTED_MEDIA_TYPE", f"{media_type} is not supported; send JSON or text.", 415)
    try:
        return request.json()
    except msgspec.MsgspecError:
        raise Refusal("INVALID_REQUEST", "The request could not be understood: the body is not JSON.") from None


def _error(refusal: Refusal) -> Response:
    code = "INVALID_LOGIN_ATTEMPT" if refusal.code == "INVALID_LOGIN" else refusal.code
    return Response({"error": {"code": code, "message": refusal.detail}}, refusal.status, refusal.headers)
