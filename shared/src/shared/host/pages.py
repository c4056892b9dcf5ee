"""What a person sees in a browser: the APIs and who calls whom, their documentation with try-it, each problem, health.

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
from shared.host.development import issue_documentation_token, require_this_machine
from shared.host.health import health_routes
from shared.host.index_cards import index_cards
from shared.host.network_map import network_map
from shared.host.problem_pages import advice, example, grouped, raised_by
from shared.host.process import Process
from shared.host.topology import process_of
from shared.resilience.rate_limit_policy import DEFAULT_TIERS
from shared.telemetry import recent

_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
_OURS = {"docs.js": "text/javascript", "pages.css": "text/css", "favicon.svg": "image/svg+xml"}
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src 'self' {peers}; "
    "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HTML = "text/html"  # Litestar adds the charset


def page_routes(process: Process) -> list[HTTPRouteHandler]:
    """Index, documentation, OpenAPI, problems and health; on a developer's machine also tokens and traces."""
    pages = Pages(process)
    handlers = [*_reading(pages), *_assets(), *health_routes(process.health, pages.health)]
    return [*handlers, *_development(process)] if process.runtime.development else handlers


class Pages:
    """Renders the pages of one process."""

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

    def html(self, template: str, here: str, *, status: int = 200, **values: Any) -> Response[str]:
        """A page; `here` is the entry of the navigation it belongs to."""
        text = _templates().get_template(template).render(topology=self.topology, here=here, **values)
        return Response(text, status_code=status, media_type=_HTML, headers=self.headers)

    def health(self, status: int, report: dict[str, Any]) -> Response[str]:
        """The report of `/health` for a person."""
        minutes, seconds = divmod(int(report["uptimeSeconds"]), 60)
        uptime = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {seconds} s"  # noqa: PLR2004
        others = {name: url for name, url in self.process.runtime.processes.items() if name != report["serviceId"]}
        return self.html("health.html", "/health", status=status, report=report, uptime=uptime, others=others)

    def openapi(self, slug: str) -> bytes:
        """The document of an API; raises NotFound."""
        api = next((api for api in self.apis if api.contract.slug == slug), None)
        if api is None:
            raise NotFound(f"There is no API {slug[:80]!r} in this topology; the index at / lists all.")
        document = openapi_document(
            api.contract,
            server=self._url_of(api),
            token_url=f"{self.process.runtime.issuer}/oauth2/token",
            tiers={**DEFAULT_TIERS, **self.topology.tiers},
            schemes=[api.service.signature] if api.service.signature else [],
        )
        return msgspec.json.encode(document)

    def _url_of(self, api: Api) -> str:
        return self.process.runtime.processes[process_of(self.topology, api)]


def _reading(pages: Pages) -> list[HTTPRouteHandler]:
    process = pages.process

    @get("/", sync_to_thread=False)
    def index() -> Response[str]:
        cards = index_cards(pages.topology, pages.apis, process.runtime.processes)
        return pages.html("index.html", "/", cards=cards, map=network_map(pages.apis))

    @get("/docs", sync_to_thread=False)
    def documentation() -> Response[str]:
        tokens = process.runtime.development and process.issuer is not None
        return pages.html("docs.html", "/docs", apis=pages.apis, tokens=tokens)

    @get("/openapi/{name:str}", sync_to_thread=False)
    def openapi(name: FromPath[str]) -> Response[bytes]:
        return Response(pages.openapi(name.removesuffix(".json")), media_type="application/json", headers=pages.headers)

    @get("/problems", sync_to_thread=False)
    def problems() -> Response[str]:
        return pages.html("problems.html", "/problems", groups=grouped(every_problem().values()))

    @get("/problems/{slug:str}", sync_to_thread=False)
    def problem(slug: FromPath[str]) -> Response[str]:
        kind = every_problem().get(slug)
        if kind is None:
            raise NotFound(f"There is no problem type {slug[:80]!r}; /problems lists all.")
        operations = raised_by(kind, pages.apis)
        return pages.html(
            "problem.html", "/problems", kind=kind, operations=operations, advice=advice(kind), example=example(kind)
        )

    return [index, documentation, openapi, problems, problem]


def _assets() -> list[HTTPRouteHandler]:
    @get("/docs/assets/{name:str}", sync_to_thread=False)
    def asset(name: FromPath[str]) -> Response[bytes]:
        media_type = _ASSETS.get(name) or _OURS.get(name)
        if media_type is None:
            raise NotFound(f"There is no asset {name[:80]!r}.")
        kept = "public, max-age=3600" if name in _ASSETS else "no-cache"
        return Response(_asset_path(name).read_bytes(), media_type=media_type, headers={"cache-control": kept})

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
