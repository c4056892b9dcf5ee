"""REST web services over HTTP: sign-in, slots, routes, preferences."""

from collections.abc import Callable

import msgspec

from sandboxes.kit import Endpoint, Request, Response, Router
from sandboxes.netsuite.account import Account
from sandboxes.netsuite.auth.oauth1 import signed_by_token
from sandboxes.netsuite.concurrency import TooManyRequestsError
from sandboxes.netsuite.refusals import Refusal, invalid, invalid_header, invalid_login
from sandboxes.netsuite.rest import metadata
from sandboxes.netsuite.rest.errors import error_response
from sandboxes.netsuite.rest.jobs import ASYNC, IDEMPOTENCY_KEY, Asked, Jobs
from sandboxes.netsuite.rest.record_service import RECORD, RecordService, origin, record_type_of
from sandboxes.netsuite.rest.suiteql_service import SUITEQL, SuiteqlService

GOVERNANCE = "/services/rest/system/v1/governanceLimits"
MOST_IN_BATCH = 100
_Answer = Callable[[Request], Response]
_COLLECTION = "type=collection"


class RestDoor:
    """What is under `/services/rest/`, the token endpoint aside."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._records = RecordService(account.state, account.records, account.saving)
        self.jobs = Jobs(account.state.connection, account.clock, self._perform)
        self._router, self._record_router = Router(), Router()
        self._route_records()
        self._route_the_rest(SuiteqlService(account))

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        self.jobs.work()
        try:
            authenticate(self._account, request, "rest_webservices")
            async with self._account.concurrency.slot():
                return await self._answer(request)
        except TooManyRequestsError:
            return error_response(
                Refusal("CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked.", 429)
            )
        except Refusal as refused:
            return error_response(refused)

    async def _answer(self, request: Request) -> Response:
        endpoint = self._router.find(request)
        if isinstance(endpoint, tuple):
            return await self._answer_record(request)
        return await endpoint(request)

    async def _answer_record(self, request: Request) -> Response:
        endpoint = _found(self._record_router, request)
        preferences = request.headers.get("prefer", "").replace(" ", "").lower().split(",")
        asynchronous, key = "respond-async" in preferences, request.headers.get(IDEMPOTENCY_KEY)
        if key and not asynchronous:
            # The documentation allows the key with asynchronous requests only; this account says so out loud.
            raise invalid_header(
                "X-NetSuite-Idempotency-Key", "The idempotency key is valid for asynchronous requests only."
            )
        if not asynchronous:
            if _COLLECTION in request.headers.get("content-type", "").replace(" ", "").lower():
                raise invalid_header("Prefer", "A collection of records needs the header Prefer: respond-async.")
            return await endpoint(request)
        return self.jobs.submit(key, _asked(request), origin(request))

    def _perform(self, request: Request) -> Response:
        """Do a request of a job; what it would have been refused is its answer."""
        try:
            endpoint = _found(self._record_router, request)
            # The endpoints do not wait for anything, so that one step brings the answer.
            try:
                endpoint(request).__await__().__next__()
            except StopIteration as done:
                return done.value
            raise AssertionError("a record endpoint waited")
        except Refusal as refused:
            return error_response(refused)

    def _route_records(self) -> None:
        one, records = f"{RECORD}/{{type}}/{{id}}", self._records
        routes: tuple[tuple[str, str, _Answer], ...] = (
            ("GET", f"{RECORD}/metadata-catalog", metadata.catalog),
            ("GET", f"{RECORD}/metadata-catalog/{{type}}", metadata.described),
            ("GET", f"{RECORD}/{{type}}", records.page),
            ("POST", f"{RECORD}/{{type}}", records.create),
            ("GET", one, records.get),
            ("PATCH", one, records.change),
            ("PUT", one, records.upsert),
            ("DELETE", one, records.remove),
            ("POST", f"{one}/!transform/{{target}}", records.transform),
            ("GET", f"{one}/{{part}}", records.part),
            ("POST", f"{one}/{{part}}", records.add_line),
            ("GET", f"{one}/{{part}}/{{line}}", records.part),
            ("PATCH", f"{one}/{{part}}/{{line}}", records.change_line),
            ("DELETE", f"{one}/{{part}}/{{line}}", records.remove_line),
            ("GET", f"{one}/{{part}}/{{line}}/{{inner}}", records.part),
        )
        for method, template, answer in routes:
            self._record_router.add(method, template, _endpoint(answer))
        # A batch changes records of a collection that has no address of its own.
        for method in ("PATCH", "PUT"):
            self._record_router.add(method, f"{RECORD}/{{type}}", _endpoint(_only_in_batches))

    def _route_the_rest(self, suiteql: SuiteqlService) -> None:
        jobs, job = self.jobs, f"{ASYNC}/job/{{job}}"
        routes: tuple[tuple[str, str, _Answer], ...] = (
            ("POST", SUITEQL, suiteql.answer),
            ("GET", GOVERNANCE, self._limits),
            ("GET", job, lambda request: jobs.job(request.params["job"], origin(request))),
            ("GET", f"{job}/task", lambda request: jobs.tasks(request.params["job"], origin(request))),
            (
                "GET",
                f"{job}/task/{{task}}",
                lambda request: jobs.task(request.params["job"], request.params["task"], origin(request)),
            ),
            (
                "GET",
                f"{job}/task/{{task}}/result",
                lambda request: jobs.result(request.params["job"], request.params["task"]),
            ),
        )
        for method, template, answer in routes:
            self._router.add(method, template, _endpoint(answer))

    def _limits(self, request: Request) -> Response:
        """The limits, as "GovernanceLimits Operation" of NetSuite's help shows them."""
        slots = self._account.concurrency
        shown: dict[str, object] = {
            "links": [{"rel": "self", "href": f"{origin(request)}{GOVERNANCE}"}],
            "accountConcurrencyLimit": slots.limit,
            "accountUnallocatedConcurrencyLimit": slots.limit - slots.own,
            "integrationLimitType": "integrationSpecific" if slots.own else "accountLimit",
        }
        return Response(shown | ({"integrationConcurrencyLimit": slots.own} if slots.own else {}))


def authenticate(account: Account, request: Request, scope: str) -> None:
    """Let in who signed with the token, or holds a bearer token with this scope.

    Raises:
        Refusal: INVALID_LOGIN, or INSUFFICIENT_PERMISSION for a bearer token of other scopes.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        if not signed_by_token(request, account.credentials, account.nonces):
            raise invalid_login()
        return
    scopes = account.tokens.scopes_of(token.strip())
    if not scopes:
        raise invalid_login()
    if scope not in scopes:
        raise Refusal("INSUFFICIENT_PERMISSION", f"The access token does not have the scope {scope}.", 403)


def _endpoint(answer: _Answer) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return answer(request)

    return endpoint


def _found(router: Router, request: Request) -> Endpoint:
    endpoint = router.find(request)
    if isinstance(endpoint, tuple):
        if endpoint:
            raise Refusal("METHOD_NOT_ALLOWED", f"{request.method} is not allowed here.", 405)
        raise Refusal("NOT_FOUND", "The requested resource does not exist.", 404, path=request.path, where="o:urlPath")
    return endpoint


def _only_in_batches(request: Request) -> Response:
    raise Refusal("METHOD_NOT_ALLOWED", f"{request.method} needs a record, or a collection with respond-async.", 405)


def _asked(request: Request) -> list[Asked]:
    """The requests that an asynchronous one stands for: itself, or one per record of a collection."""
    kept = ("host", "content-type", "accept", "x-netsuite-propertynamevalidation", "x-forwarded-proto")
    headers = {name: request.headers[name] for name in kept if name in request.headers}
    path = request.raw_path.partition("?")[0]
    if _COLLECTION not in headers.get("content-type", "").replace(" ", "").lower():
        return [Asked(request.method, path, request.query_string, headers, request.body)]
    record_type_of(request)
    try:
        items = request.json()["items"]
    except (msgspec.MsgspecError, KeyError, TypeError):
        raise invalid("items", "items") from None
    if not isinstance(items, list) or not 0 < len(items) <= MOST_IN_BATCH:  # pyright: ignore[reportUnknownArgumentType]
        raise invalid("items", "items")
    headers["content-type"] = "application/json"
    asked = list[Asked]()
    for place, item in enumerate(items):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if not isinstance(item, dict):
            raise invalid("items", f"items[{place}]")
        key = {"POST": "", "PATCH": item.get("id"), "PUT": item.get("externalId")}[request.method]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if key is None:
            raise invalid("items", f"items[{place}].{'id' if request.method == 'PATCH' else 'externalId'}")
        tail = {"POST": "", "PATCH": f"/{key}", "PUT": f"/eid:{key}"}[request.method]
        asked.append(Asked(request.method, path + tail, request.query_string, headers, msgspec.json.encode(item)))
    return asked
