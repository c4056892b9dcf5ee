"""What a person sees in a browser: the index of all APIs, their documentation with try-it, and each problem type.

Every byte comes from this machine: Swagger UI's files from an installed wheel, served by name from a short list,
under a Content-Security-Policy that would make a request elsewhere fail loudly.
"""

from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from shared.binding.openapi import openapi_document
from shared.binding.problems import Forbidden, NotFound, every_problem
from shared.host.api import Api
from shared.host.call_graph import calls
from shared.host.development import issue_documentation_token, require_this_machine
from shared.host.process import Process
from shared.host.topology import process_of
from shared.telemetry import recent

_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_OURS = {"docs.js": "text/javascript", "pages.css": "text/css"}
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src 'self' {peers}; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HTML = "text/html"


def page_routes(process: Process) -> list[HTTPRouteHandler]:
    """Index, documentation, OpenAPI documents and problem pages; on a developer's machine also tokens and traces."""
    pages = _Pages(process)
    handlers: list[HTTPRouteHandler] = [*_reading(pages), *_assets()]
    return [*handlers, *_development(process)] if process.runtime.development else handlers


class _Pages:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.topology = process.placement.topology
        self.apis = process.placement.chosen
        peers = " ".join(sorted(set(process.runtime.processes.values())))
        self.headers = {
            "content-security-policy": _POLICY.format(peers=peers),
            "referrer-policy": "no-referrer",
            "cache-control": "no-cache",
        }

    def url_of(self, api: Api) -> str:
        return self.process.runtime.processes[process_of(self.topology, api)]

    def html(self, template: str, **values: Any) -> Response[str]:
        text = _templates().get_template(template).render(topology=self.topology, **values)
        return Response(text, media_type=_HTML, headers=self.headers)

    def openapi(self, slug: str) -> bytes:
        api = next((api for api in self.apis if api.contract.slug == slug), None)
        if api is None:
            raise NotFound(f"There is no API {slug[:80]!r} in this topology; the index at / lists all.")
        document = openapi_document(
            api.contract, server=self.url_of(api), token_url=f"{self.process.runtime.issuer}/oauth2/token"
        )
        return msgspec.json.encode(document)


def _reading(pages: _Pages) -> list[HTTPRouteHandler]:
    @get("/", sync_to_thread=False)
    def index() -> Response[str]:
        rows = [(api, pages.url_of(api), sorted(c.__name__ for c in calls(api))) for api in pages.apis]
        return pages.html("index.html", rows=rows, development=pages.process.runtime.development)

    @get("/docs", sync_to_thread=False)
    def documentation() -> Response[str]:
        return pages.html("docs.html", apis=pages.apis, development=pages.process.runtime.development)

    @get("/openapi/{name:str}", sync_to_thread=False)
    def openapi(name: FromPath[str]) -> Response[bytes]:
        return Response(pages.openapi(name.removesuffix(".json")), media_type="application/json", headers=pages.headers)

    @get("/problems", sync_to_thread=False)
    def problems() -> Response[str]:
        return pages.html("problems.html", problems=every_problem(), only=None)

    @get("/problems/{slug:str}", sync_to_thread=False)
    def problem(slug: FromPath[str]) -> Response[str]:
        known = every_problem()
        if slug not in known:
            raise NotFound(f"There is no problem type {slug[:80]!r}; /problems lists all.")
        return pages.html("problems.html", problems={slug: known[slug]}, only=slug)

    return [index, documentation, openapi, problems, problem]


def _assets() -> list[HTTPRouteHandler]:
    @get("/docs/assets/{name:str}", sync_to_thread=False)
    def asset(name: FromPath[str]) -> Response[bytes]:
        media_type = _ASSETS.get(name) or _OURS.get(name)
        if media_type is None:
            raise NotFound(f"There is no asset {name[:80]!r}.")
        headers = {"cache-control": "public, max-age=3600"}
        return Response(_asset_path(name).read_bytes(), media_type=media_type, headers=headers)

    return [asset]


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - start-up time

    return Environment(
        loader=PackageLoader("shared.host", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


@cache
def _asset_path(name: str) -> Path:
    if name in _OURS:
        return Path(__file__).parent / "templates" / name
    wheel = distribution("swagger-ui-bundle-v2")
    found = next(file for file in wheel.files or () if file.name == name)
    return Path(str(wheel.locate_file(found)))


def _development(process: Process) -> list[HTTPRouteHandler]:
    @post("/docs/token", sync_to_thread=False, status_code=200)
    def token(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
        require_this_machine(request, process.runtime)
        if process.issuer is None:
            raise Forbidden("This process has no issuer; ask the one that serves /oauth2/token.")
        issued = issue_documentation_token(
            process.issuer, process.placement.chosen, request.query_params.get("api", "")
        )
        return Response({"access_token": issued}, headers={"cache-control": "no-store"})

    @get("/traces/{trace_id:str}", sync_to_thread=False)
    def trace(request: Request[Any, Any, Any], trace_id: FromPath[str]) -> Response[bytes]:
        require_this_machine(request, process.runtime)
        headers = {"cache-control": "no-store"}
        return Response(msgspec.json.encode(recent.trace(trace_id)), media_type="application/json", headers=headers)

    return [token, trace]
