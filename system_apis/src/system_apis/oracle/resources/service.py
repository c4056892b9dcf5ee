"""`OracleFusion` on one pod."""

from typing import Any, cast

import msgspec

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import NotFound
from shared.contracts.system.oracle_fusion import (
    OracleAction,
    OracleActionResult,
    OracleChange,
    OracleChanged,
    OracleChanges,
    OracleFusion,
    OracleQuery,
    OracleRecord,
    OracleRecordNotFound,
    OracleRefused,
)
from shared.resilience.outbound_faults import decode_json
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.error_messages import Message
from system_apis.oracle.faults import NAME
from system_apis.oracle.resources.questions import is_one, query_path, record_path, root_of
from system_apis.oracle.resources.records import (
    METHODS,
    check,
    headers_of,
    is_repeatable,
    part_of,
    path_of,
    place_of,
    record,
    told,
)
from system_apis.oracle.rest import ACTION, ITEM, Listed

_GONE = 204


class OracleResources(OracleFusion):
    """Any resource of one Fusion pod.

    Args:
        oracle: The pod.
    """

    def __init__(self, oracle: OracleConnector) -> None:
        self._oracle = oracle

    async def query(self, question: OracleQuery) -> Page[OracleRecord]:
        """One call a page."""
        offset = decode_cursor(question.cursor, int) if question.cursor is not None else 0
        path = query_path(question, offset, self._oracle.settings)
        if is_one(question):
            item = await self._oracle.read(path, msgspec.Raw, "query", refusal=OracleRefused)
            if item is None:
                raise _missing(question.resource)
            return Page([record(item)], None)
        found = await self._oracle.read(path, Listed[msgspec.Raw], "query", refusal=OracleRefused)
        if found is None:
            raise _missing(question.resource)
        following = encode_cursor(offset + len(found.items)) if found.hasMore and found.items else None
        return Page([record(one) for one in found.items], following)

    async def save(self, request: OracleChanges) -> OracleChanged:
        """One call: alone as it is, several as a batch."""
        check(request.changes)
        root = root_of(request.area, self._oracle.settings)
        try:
            if len(request.changes) == 1:
                return OracleChanged([await self._one(root, request.changes[0])])
            return OracleChanged(await self._several(root, request.changes))
        except NotFound:
            raise _missing(request.changes[0].resource) from None

    async def invoke(self, action: OracleAction) -> OracleActionResult:
        """One call."""
        root = root_of(action.area, self._oracle.settings)
        path = f"{root}{record_path(action.resource, action.key)}/action/{action.name}"
        try:
            reply = await self._oracle.write(
                "POST", path, action.parameters, "invoke", OracleRefused, ACTION, {}, repeatable=False, place=_parameter
            )
        except NotFound:
            raise _missing(action.resource) from None
        if not reply.body:
            return OracleActionResult({})
        result = decode_json(reply, _Answer, backend=NAME).result
        named = cast("dict[str, Any]", result) if isinstance(result, dict) else {"result": result}
        return OracleActionResult(told(named))

    async def _one(self, root: str, change: OracleChange) -> OracleRecord:
        body = None if change.action == "delete" else change.fields
        reply = await self._oracle.write(
            METHODS[change.action],
            f"{root}{path_of(change)}",
            body,
            change.action,
            OracleRefused,
            ITEM,
            headers_of(change),
            repeatable=is_repeatable(change),
            place=place_of,
        )
        return _deleted(change) if reply.status == _GONE else record(reply.body)

    async def _several(self, root: str, changes: list[OracleChange]) -> list[OracleRecord]:
        parts = [part_of(place, one) for place, one in enumerate(changes)]
        harmless = all(is_repeatable(one) for one in changes)
        answered = await self._oracle.batch(
            root, parts, "save", refusal=OracleRefused, repeatable=harmless, place=place_of
        )
        return [
            record(msgspec.json.encode(part.payload)) if part.payload is not None else _deleted(change)
            for part, change in zip(answered, changes, strict=True)
        ]


class _Answer(msgspec.Struct, frozen=True):
    """Of an action; what has no `result` is another's answer."""

    result: Any


def _deleted(change: OracleChange) -> OracleRecord:
    return OracleRecord(change.child_key if change.child else change.key, {})


def _missing(resource: str) -> OracleRecordNotFound:
    return OracleRecordNotFound(f"Oracle has no such record, or no {resource} that our user may see.")


def _parameter(message: Message) -> str | None:
    return f"/parameters{message.path}" if message.path.startswith("/") else None
