"""Calls of the composite family: their bodies, and what their answers say of each change."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from system_apis.salesforce.composite import Part
from system_apis.salesforce.platform.drafts import Draft
from system_apis.salesforce.platform.plan import CollectionCall
from system_apis.salesforce.platform.rows import if_still, row_path
from system_apis.salesforce.records import SaveError

_OK = 300
_SEVERAL = 300
_CREATED = 201
ROLLED_BACK = SaveError(error_code="PROCESSING_HALTED")
SEVERAL = SaveError(error_code="DUPLICATE_EXTERNAL_ID")


class Result(msgspec.Struct, frozen=True):
    """What became of one change; `errors` are empty if it was made."""

    row_id: str = ""
    created: bool = False
    status: int = 200
    errors: list[SaveError] = []


class Made(msgspec.Struct, frozen=True):
    """One record of a collection or of a row call."""

    id: str | None = None
    success: bool = True
    created: bool | None = None
    errors: list[SaveError] = []


class TreeEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One record of a tree."""

    reference_id: str
    id: str = ""
    errors: list[SaveError] = []


class TreeAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of a tree: every record, or those that were refused."""

    has_errors: bool
    results: list[TreeEntry]


_made = msgspec.json.Decoder(Made)
_errors = msgspec.json.Decoder(list[SaveError])


def record_of(draft: Draft) -> dict[str, Any]:
    """A change as a record of a collection."""
    change = draft.change
    named = {"id": change.row_id} if change.row_id else {change.key_field: change.key} if change.key else {}
    return {"attributes": {"type": draft.sobject}, **named, **draft.body()}


def collection_path(call: CollectionCall) -> str:
    """The path of a collection, with the ids of a delete."""
    draft, whole = call.drafts[0], str(call.all_or_none).lower()
    if draft.change.action == "delete":
        ids = ",".join(each.change.row_id for each in call.drafts)
        return f"/composite/sobjects?ids={ids}&allOrNone={whole}"
    if draft.change.action == "upsert":
        return f"/composite/sobjects/{draft.sobject}/{draft.change.key_field}"
    return "/composite/sobjects"


def collection_method(call: CollectionCall) -> str:
    """The method of a collection."""
    return {"create": "POST", "delete": "DELETE"}.get(call.drafts[0].change.action, "PATCH")


def collection_body(call: CollectionCall) -> dict[str, Any] | None:
    """The body of a collection; a delete has none."""
    if call.drafts[0].change.action == "delete":
        return None
    return {"allOrNone": call.all_or_none, "records": [record_of(draft) for draft in call.drafts]}


def part_of(draft: Draft, root: str, linked: bool = True) -> Part:
    """A change as a part of a composite or a graph; what it refers to must be an earlier part."""
    change = draft.change
    links = {path: f"@{{r{target}.id}}" for path, target in draft.links.items()} if linked else {}
    body = None if change.action == "delete" else draft.body(**links)
    path = f"/sobjects/{draft.sobject}" if change.action == "create" else row_path(
        draft.sobject, change.row_id or change.key, change.key_field
    )  # fmt: skip
    method = {"create": "POST", "delete": "DELETE"}.get(change.action, "PATCH")
    return Part(f"r{draft.at}", method, root + path, body, if_still(change.version) or None)


def collection_part(at: int, call: CollectionCall, root: str) -> Part:
    """A collection as a part of a composite."""
    return Part(f"c{at}", collection_method(call), root + collection_path(call), collection_body(call))


def tree_records(drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """Creates as a tree, children under the names that their parents have for them."""
    records: dict[int, dict[str, Any]] = {}
    roots: list[dict[str, Any]] = []
    for draft in drafts:
        record = {"attributes": {"type": draft.sobject, "referenceId": f"r{draft.at}"}, **draft.body()}
        records[draft.at] = record
        if not draft.links:
            roots.append(record)
            continue
        (parent,) = draft.links.values()
        children: dict[str, list[Any]] = records[parent].setdefault(draft.relationship or "", {"records": []})
        children["records"].append(record)
    return roots


def tree_results(drafts: Sequence[Draft], answer: TreeAnswer) -> Iterator[tuple[int, Result]]:
    """Of a refused tree only the records at fault are named; the others were rolled back."""
    known = {entry.reference_id: entry for entry in answer.results}
    for draft in drafts:
        entry = known.get(f"r{draft.at}")
        if answer.has_errors:
            yield draft.at, Result(status=400, errors=entry.errors if entry and entry.errors else [ROLLED_BACK])
        else:
            yield draft.at, Result(entry.id if entry else "", created=True)


def made_result(draft: Draft, made: Made) -> Result:
    """What a collection says of one record."""
    if not made.success:
        return Result(status=400, errors=made.errors or [ROLLED_BACK])
    created = draft.change.action == "create" if made.created is None else made.created
    return Result(made.id or draft.change.row_id, created=created)


def part_result(draft: Draft, status: int, body: msgspec.Raw) -> Result:
    """What a part of a composite, a graph or a batch answered."""
    if status == _SEVERAL:
        return Result(status=status, errors=[SEVERAL])
    if status >= _OK:
        return Result(status=status, errors=_decoded(_errors, body) or [ROLLED_BACK])
    made = _decoded(_made, body) or Made()
    return Result(made.id or draft.change.row_id, created=status == _CREATED)


def _decoded(decoder: msgspec.json.Decoder[Any], body: msgspec.Raw) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def by_place(drafts: Sequence[Draft], answers: Mapping[str, tuple[int, msgspec.Raw]]) -> Iterator[tuple[int, Result]]:
    """The results of parts by the places of their changes."""
    for draft in drafts:
        status, body = answers.get(f"r{draft.at}", (400, msgspec.Raw(b"[]")))
        yield draft.at, part_result(draft, status, body)
