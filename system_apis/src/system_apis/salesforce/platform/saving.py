"""Makes changes by the calls that `plan` chose, and waits for rows that somebody else is writing."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from shared.binding.problems import BackendFault, Problem
from shared.resilience.wire import WireReply
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import LOCKED, code_of
from system_apis.salesforce.platform import composing
from system_apis.salesforce.platform.calls import OrgCalls, decoded
from system_apis.salesforce.platform.composing import Made, Result, TreeAnswer
from system_apis.salesforce.platform.drafts import Draft
from system_apis.salesforce.platform.plan import (
    BatchCall,
    Call,
    CollectionCall,
    CompositeCall,
    GraphCall,
    RowCall,
    TreeCall,
    groups_of,
    plan,
)
from system_apis.salesforce.platform.refusals import OrgRefused
from system_apis.salesforce.platform.rows import Rows, Saved
from system_apis.salesforce.records import CompositeAnswer, SaveError, SubResult

_Answer = TypeVar("_Answer")
_REFUSED: Final = 400
Results = dict[int, Result | Problem]


class _Graph(msgspec.Struct, frozen=True, rename="camel"):
    graph_response: CompositeAnswer


class _Graphs(msgspec.Struct, frozen=True):
    graphs: list[_Graph]


class _BatchResult(msgspec.Struct, frozen=True, rename="camel"):
    status_code: int
    result: msgspec.Raw = msgspec.Raw(b"null")


class _Batch(msgspec.Struct, frozen=True):
    results: list[_BatchResult]


_collection = msgspec.json.Decoder(list[Made])
_tree = msgspec.json.Decoder(TreeAnswer)
_composite = msgspec.json.Decoder(CompositeAnswer)
_graphs = msgspec.json.Decoder(_Graphs)
_batch = msgspec.json.Decoder(_Batch)


class Saving:
    """Saves changes in one org.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._calls = OrgCalls(salesforce)
        self._rows = Rows(salesforce)

    async def save(self, drafts: Sequence[Draft], operation: str, *, all_or_none: bool) -> Results:
        """Make the changes; the result of each by its place.

        Changes that failed because a row was locked are made again after a pause, with all that belong to them.

        Raises:
            Invalid: What belongs together does not fit one call; nothing was sent.
            Problem: The first call failed as a whole; see `faults`.
        """
        groups = [list(drafts)] if all_or_none else groups_of(drafts)
        results: Results = {}
        for pause in (*self._calls.pauses(), None):
            pending = [draft for group in groups for draft in group]
            for call in plan(sorted(pending, key=lambda draft: draft.at), all_or_none=all_or_none):
                results |= await self._made(call, operation, first=not results)
            groups = [group for group in groups if any(_locked(results[draft.at]) for draft in group)]
            if not groups or pause is None or len(drafts) == 1:
                break
            await asyncio.sleep(pause)
        return results

    async def _made(self, call: Call, operation: str, *, first: bool) -> Results:
        """The results of one call. Once something was written, the failure of a call is that of its changes only."""
        try:
            return dict(await self._answered(call, operation))
        except OrgRefused as refused:
            return {draft.at: Result(status=refused.status, errors=refused.errors) for draft in _drafts_of(call)}
        except Problem as problem:
            if first:
                raise
            return {draft.at: problem for draft in _drafts_of(call)}

    async def _answered(self, call: Call, operation: str) -> dict[int, Result]:
        if isinstance(call, RowCall):
            return {call.draft.at: await self._row(call.draft, operation)}
        if isinstance(call, CollectionCall):
            path, body = composing.collection_path(call), composing.collection_body(call)
            reply = await self._send(composing.collection_method(call), path, operation, body, call)
            return _of_collection(call, self._decoded(_collection, reply, call))
        if isinstance(call, TreeCall):
            return await self._tree(call, operation)
        if isinstance(call, CompositeCall):
            return await self._composite(call, operation)
        if isinstance(call, BatchCall):
            return await self._batch(call, operation)
        return await self._graph(call, operation)

    async def _row(self, draft: Draft, operation: str) -> Result:
        change, body = draft.change, draft.fields
        try:
            made = await self._single(draft, body, operation)
        except Problem as problem:
            if type(problem).slug != "several-rows":
                raise
            return Result(status=300, errors=[composing.SEVERAL])
        return Result(made.id or change.row_id, created=made.created)

    async def _single(self, draft: Draft, body: dict[str, Any], operation: str) -> Saved:
        change, rows = draft.change, self._rows
        if change.action == "create":
            return await rows.create(draft.sobject, body, operation)
        if change.action == "delete":
            return await rows.delete(draft.sobject, change.row_id, operation, version=change.version)
        if change.action == "update":
            return await rows.update(draft.sobject, change.row_id, body, operation, version=change.version)
        return await rows.upsert(draft.sobject, change.key_field, change.key, body, operation, version=change.version)

    async def _tree(self, call: TreeCall, operation: str) -> dict[int, Result]:
        root = next(draft for draft in call.drafts if not draft.links)
        body = {"records": composing.tree_records(call.drafts)}
        reply = await self._send("POST", f"/composite/tree/{root.sobject}", operation, body, call)
        return dict(composing.tree_results(call.drafts, self._decoded(_tree, reply, call)))

    async def _composite(self, call: CompositeCall, operation: str) -> dict[int, Result]:
        parts = [
            composing.collection_part(at, part, self._calls.root)
            if isinstance(part, CollectionCall)
            else composing.part_of(part, self._calls.root)
            for at, part in enumerate(call.parts)
        ]
        body = {"allOrNone": call.all_or_none, "collateSubrequests": False, "compositeRequest": parts}
        reply = await self._send("POST", "/composite", operation, body, call)
        answers = self._decoded(_composite, reply, call).composite_response
        _check_count(answers, call.parts)
        results: dict[int, Result] = {}
        for part, answer in zip(call.parts, answers, strict=True):
            results |= _of_part(part, answer)
        return results

    async def _batch(self, call: BatchCall, operation: str) -> dict[int, Result]:
        root = self._calls.root.removeprefix("/services/data/")
        parts = [composing.part_of(draft, root) for draft in call.drafts]
        requests = [
            {"method": part.method, "url": part.url, **({} if part.body is None else {"richInput": part.body})}
            for part in parts
        ]
        body = {"haltOnError": False, "batchRequests": requests}
        reply = await self._send("POST", "/composite/batch", operation, body, call)
        answers = self._decoded(_batch, reply, call).results
        _check_count(answers, call.drafts)
        return {
            draft.at: composing.part_result(draft, answer.status_code, answer.result)
            for draft, answer in zip(call.drafts, answers, strict=True)
        }

    async def _graph(self, call: GraphCall, operation: str) -> dict[int, Result]:
        graphs = [
            {"graphId": f"g{at}", "compositeRequest": [composing.part_of(draft, self._calls.root) for draft in drafts]}
            for at, drafts in enumerate(call.graphs)
        ]
        reply = await self._send("POST", "/composite/graph", operation, {"graphs": graphs}, call)
        graphs_told = self._decoded(_graphs, reply, call).graphs
        every = [part for graph in graphs_told for part in graph.graph_response.composite_response]
        answers = {part.reference_id: (part.http_status_code, part.body) for part in every}
        return dict(composing.by_place(_drafts_of(call), answers))

    async def _send(self, method: str, path: str, operation: str, body: Any, call: Call) -> WireReply:
        repeatable = _is_repeatable(call)
        is_answer = _is_tree if isinstance(call, TreeCall) else _never
        return await self._calls.send(method, path, operation, body=body, repeatable=repeatable, is_answer=is_answer)

    @staticmethod
    def _decoded(decoder: msgspec.json.Decoder[_Answer], reply: WireReply, call: Call) -> _Answer:
        return decoded(decoder, reply, repeatable=_is_repeatable(call))


def _is_repeatable(call: Call) -> bool:
    return all(draft.repeatable for draft in _drafts_of(call))


def _drafts_of(call: Call) -> list[Draft]:
    if isinstance(call, RowCall):
        return [call.draft]
    if isinstance(call, GraphCall):
        return [draft for graph in call.graphs for draft in graph]
    if isinstance(call, CompositeCall):
        lists = [part.drafts if isinstance(part, CollectionCall) else [part] for part in call.parts]
        return [draft for drafts in lists for draft in drafts]
    return call.drafts


def _of_collection(call: CollectionCall, made: Sequence[Made]) -> dict[int, Result]:
    _check_count(made, call.drafts)
    return {draft.at: composing.made_result(draft, each) for draft, each in zip(call.drafts, made, strict=True)}


def _of_part(part: Draft | CollectionCall, answer: SubResult) -> dict[int, Result]:
    if isinstance(part, Draft):
        return {part.at: composing.part_result(part, answer.http_status_code, answer.body)}
    if answer.http_status_code >= _REFUSED:
        return {draft.at: composing.part_result(draft, answer.http_status_code, answer.body) for draft in part.drafts}
    return _of_collection(part, _collection.decode(answer.body))


def _check_count(answers: Sequence[Any], asked: Sequence[Any]) -> None:
    if len(answers) != len(asked):
        raise BackendFault("Salesforce answered another number of records than it was sent.")


def _locked(result: Result | Problem) -> bool:
    errors: list[SaveError] = result.errors if isinstance(result, Result) else []
    return any(code_of(error) == LOCKED for error in errors)


def _is_tree(reply: WireReply) -> bool:
    try:
        return reply.status == _REFUSED and _tree.decode(reply.body).has_errors
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _never(reply: WireReply) -> bool:
    del reply
    return False
