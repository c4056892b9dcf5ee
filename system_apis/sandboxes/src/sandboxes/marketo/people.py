"""People over HTTP: found by id or e-mail address, saved in batches, deleted, described."""

import asyncio
from typing import Any

from sandboxes.kit import Request
from sandboxes.marketo.arguments import PAGE, Answer, Document, body, fields, place, token, whole
from sandboxes.marketo.refusals import Refusal, blank
from sandboxes.marketo.subscription import FIELDS, Subscription
from sandboxes.marketo.work import Work


def people(subscription: Subscription, work: Work) -> list[tuple[str, str, Answer]]:
    """Method, path and answer of each."""

    async def show(request: Request, asked: dict[str, str]) -> Document:
        rows = subscription.leads("id", [whole(request.params["key"], "id")])
        return {"result": [subscription.shown(row, *fields(asked)) for row in rows]}

    async def index(request: Request, asked: dict[str, str]) -> Document:
        del request
        column, values = asked.get("filterType") or "", (asked.get("filterValues") or "").split(",")
        if not column or values == [""]:
            raise blank("filterValues" if column else "filterType")
        if column not in ("id", "email"):
            raise Refusal(1011, f"Field '{column}' not supported")
        if len(values) > PAGE:
            raise Refusal(1003, f"Too many filter values, the most are {PAGE}")
        size = min(whole(asked.get("batchSize", str(PAGE)), "batchSize"), PAGE)
        begin = place(asked.get("nextPageToken", ""))
        await asyncio.sleep(work.seconds)
        rows = subscription.leads(column, values)
        page: Document = {"result": [subscription.shown(row, *fields(asked)) for row in rows[begin : begin + size]]}
        return page | ({"nextPageToken": token("", begin + size)} if begin + size < len(rows) else {})

    async def save(request: Request, asked: dict[str, str]) -> Document:
        if asked.get("_method") == "GET":
            return await index(request, asked)
        return {"result": await _saved(subscription, work, body(request))}

    async def delete(request: Request, asked: dict[str, str]) -> Document:
        keys = [each["id"] for each in body(request).get("input", [])] or asked.get("id", "").split(",")
        done = [(key, subscription.delete(whole(str(key), "id"))) for key in keys]
        missing = {"status": "skipped", "reasons": [Refusal(1004, "Lead not found").error()]}
        return {"result": [{"id": key, "status": "deleted"} if gone else missing for key, gone in done]}

    async def describe(request: Request, asked: dict[str, str]) -> Document:
        del request, asked
        return {
            "result": [
                {"id": number, "displayName": label, "dataType": kind, "length": length,
                 "rest": {"name": name, "readOnly": False}}
                for number, (name, (label, kind, length)) in enumerate(FIELDS.items(), 1)
            ]
        }  # fmt: skip

    return [
        ("GET", "/rest/v1/lead/{key}.json", show), ("GET", "/rest/v1/leads.json", index),
        ("POST", "/rest/v1/leads.json", save), ("POST", "/rest/v1/leads/delete.json", delete),
        ("DELETE", "/rest/v1/leads.json", delete), ("GET", "/rest/v1/leads/describe.json", describe),
    ]  # fmt: skip


async def _saved(subscription: Subscription, work: Work, asked: Document) -> list[Document]:
    """Every input by itself: it is looked up first and written later."""
    action, field, given = asked.get("action", "createOrUpdate"), asked.get("lookupField", "email"), asked.get("input")
    if not isinstance(given, list):
        raise blank("input")
    if len(given) > PAGE:  # pyright: ignore[reportUnknownArgumentType] - a list in JSON
        raise Refusal(1003, f"Too many records, the most are {PAGE}")
    if field not in ("email", "id"):
        raise Refusal(1011, f"Field '{field}' not supported")
    known = [subscription.leads(field, [str(each.get(field) or "")]) for each in given]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType, reportUnknownMemberType]
    await asyncio.sleep(work.seconds)
    results: list[Document] = []
    for each, rows in zip(given, known, strict=True):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        try:
            results.append(_one(subscription, action, each, rows))  # pyright: ignore[reportUnknownArgumentType]
        except Refusal as refused:
            results.append({"status": "skipped", "reasons": [refused.error()]})
    return results


def _one(subscription: Subscription, action: str, given: Document, rows: list[Any]) -> Document:
    if action not in ("createOrUpdate", "createOnly", "updateOnly", "createDuplicate"):
        raise Refusal(1003, f"Action '{action}' is not supported")
    if len(rows) > 1 and action in ("createOrUpdate", "updateOnly"):
        raise Refusal(1007, "Multiple lead match lookup criteria")
    if rows and action == "createOnly":
        raise Refusal(1005, "Lead already exists")
    if not rows and action == "updateOnly":
        raise Refusal(1004, "Lead not found")
    if rows and action != "createDuplicate":
        return {"id": subscription.update(rows[0], {k: v for k, v in given.items() if k != "id"}), "status": "updated"}
    return {"id": subscription.create(given), "status": "created"}
