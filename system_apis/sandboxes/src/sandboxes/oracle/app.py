"""The Fusion stand-in put together: areas, state, logon, version roots and control routes."""

import logging
import re
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sandboxes.kit import Clock, Request, Response, Router, SandboxApp, State, http_app
from sandboxes.oracle.area import Area, PlainEndpoint
from sandboxes.oracle.areas import areas
from sandboxes.oracle.framework.batch import PartRefused
from sandboxes.oracle.framework.declare import Resource, Work
from sandboxes.oracle.framework.endpoint import VersionRoot
from sandboxes.oracle.framework.problems import Detail, RestError, error_document, error_response
from sandboxes.oracle.framework.records import SEQUENCES, Records, schema
from sandboxes.oracle.framework.request import media_type, read_call, wants_documents
from sandboxes.oracle.identity import USER, Identity

VERSION = "11.13.18.05"
_APIS = ("fscmRestApi", "crmRestApi")
_PATH = re.compile(r"/(?P<api>\w+RestApi)/resources/(?P<version>[^/]+)(?P<rest>(?:/.*)?)")
_SET_UP = datetime(2026, 1, 7, 8, 30, tzinfo=UTC)
_log = logging.getLogger(__name__)


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """The stand-in; the password of user TRIPTYCH comes from SANDBOX_ORACLE_PASSWORD, else it is `sandbox-only`."""
    return app_of(areas(), state, clock)


def app_of(parts: tuple[Area, ...], state: Path | None, clock: Clock) -> SandboxApp:
    """A system of these areas."""
    store = State(state, _ddl(parts), lambda _: None)
    if not store.connection.execute("SELECT count(*) FROM oracle_sequence").fetchone()[0]:
        _seeded(parts).backup(store.connection)
    system = System(store, clock, Identity(clock), parts)
    controls = {name: partial(system.control, act) for one in parts for name, act in one.controls.items()}
    return SandboxApp(
        http_app(system.respond),
        close=store.close,
        reset=system.reset,
        ledger=system.ledger,
        controls={**controls, "expire-tokens": system.expire_tokens},
    )


def _ddl(parts: tuple[Area, ...]) -> str:
    return SEQUENCES + "".join(one.schema + schema(_resources_of(one.resources)) for one in parts)


def _resources_of(by_api: Mapping[str, Any]) -> list[Resource]:
    return [resource for resources in by_api.values() for resource in resources]


@cache
def _seeded(parts: tuple[Area, ...]) -> sqlite3.Connection:
    """A seeded database in memory, made once per process and copied from there: a reset takes milliseconds."""
    state = State(None, _ddl(parts), lambda _: None)
    work = Work(Records(state.connection), _SET_UP, "MIGRATION")
    with state.transaction():
        work.records.next_number("seeded", 1)
        for one in parts:
            one.seed(work)
    return state.connection


class System:
    """Answers every request.

    Args:
        store: Its state.
        clock: Its time.
        identity: Who may log on.
        parts: What it consists of.
    """

    def __init__(self, store: State, clock: Clock, identity: Identity, parts: tuple[Area, ...]) -> None:
        self._store, self._clock, self._identity = store, clock, identity
        self._records, self._parts = Records(store.connection), parts
        by_api: dict[str, list[Resource]] = {api: [] for api in _APIS}
        self._router = Router()
        for one in parts:
            for api, resources in one.resources.items():
                by_api.setdefault(api, []).extend(resources)
            for method, template, answer in one.endpoints:
                self._router.add(method, template, self._endpoint(answer))
        self._roots = {api: VersionRoot(resources, VERSION) for api, resources in by_api.items()}

    async def respond(self, request: Request) -> Response:
        """The answer, always one; it repeats the framework version."""
        response = await self._respond(request)
        if (version := request.headers.get("rest-framework-version")) and _PATH.fullmatch(request.path):
            response.headers.setdefault("rest-framework-version", version)
        return response

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except RestError as error:
            return error_response(error, as_json=wants_documents(request.headers))
        except PartRefused as refused:
            return _part_refused(refused, request)
        except Exception:  # noqa: BLE001 - a defect shows as Fusion shows one
            _log.exception("sandbox.oracle.crashed")
            error = RestError(500, Detail("An internal error occurred. Contact your administrator."))
            return error_response(error, as_json=wants_documents(request.headers))

    def control(self, act: Callable[[Work, dict[str, Any]], object], body: dict[str, Any]) -> object:
        """Do what the control path asks, in one transaction."""
        with self._store.transaction():
            return act(self._work("SYSTEM"), body)

    def reset(self) -> None:
        """Back to the seed."""
        _seeded(self._parts).backup(self._store.connection)

    def ledger(self) -> Mapping[str, object]:
        """What the areas say was done since the seed."""
        return {name: told for one in self._parts for name, told in one.ledger(self._work(USER)).items()}

    def expire_tokens(self, _: dict[str, Any]) -> object:
        """End every token that was handed out."""
        return {"ended_at": self._identity.expire()}

    async def _answer(self, request: Request) -> Response:
        if request.raw_path.partition("?")[0] == "/oauth2/v1/token" and request.method == "POST":
            return self._identity.grant(request)
        user = self._identity.user_of(request)
        if user is None:
            challenge = {"www-authenticate": 'Basic realm="Oracle Fusion Applications"'}
            raise RestError(401, Detail("Authentication failed. Check the user name and password."), headers=challenge)
        path = request.raw_path.partition("?")[0]
        if path == "/fscmRestApi/tokenrelay" and request.method == "GET":
            return self._identity.relay(user)
        if (found := _PATH.fullmatch(path)) is not None:
            return self._resource(request, found, user)
        endpoint = self._router.find(request)
        if isinstance(endpoint, tuple):
            raise RestError(405 if endpoint else 404, Detail("The resource was not found."))
        return await endpoint(request)

    def _resource(self, request: Request, found: re.Match[str], user: str) -> Response:
        root = self._roots.get(found["api"])
        if root is None or found["version"] not in (VERSION, "latest"):
            raise RestError(404, Detail("The resource version was not found.", "ADF-27003"))
        segments = tuple(unquote(one) for one in found["rest"].split("/") if one)
        origin = f"http://{request.headers.get('host', 'localhost')}"
        call = read_call(request, segments, f"{origin}/{found['api']}/resources/{found['version']}")
        with self._store.transaction():
            response = root.answer(call, self._work(user))
        response.headers["rest-framework-version"] = str(call.version)
        return response

    def _endpoint(self, answer: PlainEndpoint) -> Callable[[Request], Any]:
        async def answered(request: Request) -> Response:
            with self._store.transaction():
                return answer(self._work(USER), request)

        return answered

    def _work(self, user: str) -> Work:
        return Work(self._records, self._clock.now(), user)


def _part_refused(refused: PartRefused, request: Request) -> Response:
    """The failing part alone, whatever the others did."""
    refusal = refused.refusal
    if not wants_documents(request.headers):
        return error_response(refusal, as_json=False)
    part = {"id": refused.part, "error": error_document(refusal.status, refusal.details)}
    return Response({"parts": [part]}, refusal.status, media_type=media_type("batch"))
