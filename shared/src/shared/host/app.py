"""The ASGI application of one process: its APIs, its probes, its pages, the issuer if it has one."""

from typing import Any, get_args

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from shared.binding.edge import Edge
from shared.binding.operation import Tier
from shared.binding.problem_document import write_problem
from shared.binding.problems import (
    PROBLEM_MEDIA_TYPE,
    InternalFault,
    MethodNotAllowed,
    NotFound,
    Problem,
    kind_of_status,
)
from shared.binding.routes import SPAN, routes
from shared.host.cors import Cors
from shared.host.development import pages_that_may_call
from shared.host.health import PROBES
from shared.host.pages import page_routes
from shared.host.process import Process
from shared.security.issuer_app import ISSUER_PATHS, issuer_app
from shared.telemetry.logging import get_logger

_log = get_logger("host")
_API_PATHS = tuple(f"/{tier}/" for tier in get_args(Tier))


def build_app(process: Process) -> ASGIApp:
    """The application that the server runs for a process that has been built."""
    handlers: list[Any] = page_routes(process)
    for api, implementation in process.implementations.items():
        handlers += routes(api.contract, implementation, process.inbound, process.verifier)
    app: ASGIApp = Litestar(
        route_handlers=handlers,
        exception_handlers={HTTPException: _refuse, Exception: _defect},
        openapi_config=None,
        logging_config=None,
    )
    inner = _with_head(app)
    if process.issuer is not None:
        inner = _with_issuer(inner, issuer_app(process.issuer))
    return Cors(Edge(inner, process.shedder, PROBES), pages_that_may_call(process.runtime, process.placement))


def _with_head(app: ASGIApp) -> ASGIApp:
    """Answer HEAD to a page or probe as GET without the body (RFC 9110 §9.3.2); operations do so themselves."""

    async def head_as_get(scope: Scope, receive: Receive, send: Send) -> None:
        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)  # pyright: ignore[reportArgumentType]

        asked: Any = scope
        asked["method"] = "GET"  # the same dict, because the router notes in it for the edge which route it took
        await app(asked, receive, without_body)

    async def chosen(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith(_API_PATHS)
        await (app if ours else head_as_get)(scope, receive, send)

    return chosen


def _with_issuer(inner: ASGIApp, issuer: Any) -> ASGIApp:
    paths = frozenset(ISSUER_PATHS)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = issuer if scope["type"] == "http" and scope["path"] in paths else inner
        await chosen(scope, receive, send)

    return app


def _refuse(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    path = request.scope["path"]
    if isinstance(error, NotFoundException):
        problem: Problem = NotFound(f"There is nothing at {path[:200]}; the index at / lists every API.")
    elif isinstance(error, MethodNotAllowedException):
        allow = (error.headers or {}).get("allow", "")
        problem = MethodNotAllowed(f"{path[:200]} does not take {request.method[:20]}.", extensions={"allow": allow})
    else:
        problem = kind_of_status(error.status_code)(error.detail)
    return _response(request, problem)


def _defect(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    if isinstance(error, Problem):
        return _response(request, error)
    _log.error("http.defect", path=request.scope["path"], exc_info=error)
    return _response(request, InternalFault("This request failed by a defect of ours; the trace id leads to it."))


def _response(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    scope: Any = request.scope
    span = scope.get(SPAN)
    details = problem.details(instance=request.scope["path"], trace_id=span.trace_id if span else None)
    headers = {"cache-control": "no-store"}
    if isinstance(problem, MethodNotAllowed):
        headers["allow"] = str(problem.extensions["allow"])
    return Response(write_problem(details), status_code=problem.status, media_type=PROBLEM_MEDIA_TYPE, headers=headers)
