"""JSON `$batch`: requests in order, those of one atomicity group all or none.

What follows a failure is not done, nor answered, unless `Prefer: odata.continue-on-error` asks for it.

Source: OData 4.01 "JSON Format", section 19 (batch requests and responses).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby

import msgspec

from sandboxes.kit import Response
from sandboxes.sap.odata_v2.endpoint import WRITES, Inbound
from sandboxes.sap.odata_v2.errors import ODataError, refuse
from sandboxes.sap.odata_v4.endpoint import VERSION, EndpointV4

_MALFORMED = "/IWBEP/CM_V4_COS/100"
_FAILED_DEPENDENCY = 424
_REFERENCE = re.compile(r"\$([A-Za-z0-9_.-]+)(?=/|$|\?)")


class _Asked(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    method: str
    url: str
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw(b"")
    atomicity_group: str | None = None
    depends_on: list[str] = []


class _Batch(msgspec.Struct, frozen=True):
    requests: list[_Asked]


@dataclass(slots=True)
class _GroupFailed(Exception):  # noqa: N818 - it undoes a group, and is no error of its own
    asked: _Asked
    error: ODataError


Transaction = Callable[[Callable[[], list[Response]]], list[Response]]


def answer_batch(endpoint: EndpointV4, outer: Inbound, transaction: Transaction) -> Response:
    """The answer to a batch; `transaction` runs a group and undoes it when it raises.

    Raises:
        ODataError: 400 or 415, the batch itself cannot be read.
    """
    if outer.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise refuse(415, _MALFORMED, "A batch must be sent as application/json")
    try:
        batch = _decoder.decode(outer.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
        raise refuse(400, _MALFORMED, f"The batch cannot be read: {unreadable}") from None
    if len({one.id for one in batch.requests}) < len(batch.requests):
        raise refuse(400, _MALFORMED, "Two requests of the batch have the same id")
    continued = "continue-on-error" in outer.headers.get("prefer", "")
    run = _Run(endpoint, outer, transaction)
    for group, together in groupby(batch.requests, key=lambda one: one.atomicity_group or f"\0{one.id}"):
        run.together(list(together), atomic=not group.startswith("\0"))
        if run.failed and not continued:
            break
    return Response(msgspec.json.encode({"responses": run.answers}), 200, VERSION, "application/json")


class _Run:
    def __init__(self, endpoint: EndpointV4, outer: Inbound, transaction: Transaction) -> None:
        self._endpoint, self._outer, self._transaction = endpoint, outer, transaction
        self._created: dict[str, str] = {}
        self.failed: set[str] = set()
        self.answers: list[dict[str, object]] = []

    def together(self, group: list[_Asked], *, atomic: bool) -> None:
        """Answers requests that succeed or fail as one."""
        try:
            if any(one.method in WRITES for one in group):
                responses = self._transaction(lambda: [self._one(asked, atomic=atomic) for asked in group])
            else:
                responses = [self._one(asked, atomic=atomic) for asked in group]
        except _GroupFailed as failed:
            responses = [
                self._endpoint.render_error(failed.error if one is failed.asked else _not_done(failed.asked.id))
                for one in group
            ]
            self.failed |= {one.id for one in group} | {one.atomicity_group or "" for one in group}
        for asked, response in zip(group, responses, strict=True):
            self.answers.append(_answered(asked, response))

    def _one(self, asked: _Asked, *, atomic: bool) -> Response:
        try:
            if atomic and asked.method not in WRITES:
                raise refuse(400, _MALFORMED, "An atomicity group must not contain reads")
            if missing := next((one for one in asked.depends_on if one in self.failed), None):
                raise _not_done(missing)
            response = self._endpoint.answer(self._inner(asked))
        except ODataError as error:
            raise _GroupFailed(asked, error) from None
        if "location" in response.headers:
            root = self._outer.origin + self._endpoint.service.root + "/"
            self._created[asked.id] = response.headers["location"].removeprefix(root)
        return response

    def _inner(self, asked: _Asked) -> Inbound:
        path, _, query = asked.url.partition("?")
        path = path.removeprefix(self._outer.origin).removeprefix(self._endpoint.service.root).lstrip("/")
        if (found := _REFERENCE.match(path)) and found[1] in self._created:
            path = self._created[found[1]] + path[found.end() :]
        headers = {name.lower(): value for name, value in asked.headers.items()}
        headers.setdefault("accept", "application/json")
        return replace(
            self._outer,
            method=asked.method.upper(),
            path=path,
            query_string=query,
            headers=headers,
            body=bytes(asked.body),
        )


def _answered(asked: _Asked, response: Response) -> dict[str, object]:
    answer: dict[str, object] = {"id": asked.id, "status": response.status, "headers": response.headers}
    if asked.atomicity_group:
        answer["atomicityGroup"] = asked.atomicity_group
    if response.body:
        json = response.headers.get("content-type", "").startswith("application/json")
        answer["body"] = msgspec.Raw(response.body) if json else response.body.decode()
    return answer


def _not_done(other: str) -> ODataError:
    return refuse(_FAILED_DEPENDENCY, _MALFORMED, f"Not done, because request '{other}' failed")


_decoder = msgspec.json.Decoder(_Batch)
