"""Activities over HTTP: their types, and those of some people since a moment; custom ones are added."""

import asyncio

from sandboxes.kit import Request
from sandboxes.marketo.arguments import PAGE, Answer, Document, body, numbers, since, token
from sandboxes.marketo.refusals import Refusal, blank
from sandboxes.marketo.subscription import ACTIVITY_TYPE, FURTHER, PRIMARY, Subscription, moment, shown_activity
from sandboxes.marketo.work import Work

_MOST_LEADS, _MOST_TYPES = 30, 10


def activities(subscription: Subscription, work: Work) -> list[tuple[str, str, Answer]]:
    """Method, path and answer of each."""

    async def show_types(request: Request, asked: dict[str, str]) -> Document:
        del request, asked
        further = [{"apiName": api_name, "name": name, "dataType": "text"} for api_name, name in FURTHER.items()]
        kind = {
            "id": ACTIVITY_TYPE, "apiName": "triptychEngagement", "name": "Triptych Engagement", "status": "approved",
            "description": "Something noted with a person", "triggerName": "Has Triptych Engagement",
            "filterName": "Had Triptych Engagement", "primaryAttribute": {**PRIMARY, "dataType": "string"},
            "attributes": further,
        }  # fmt: skip
        return {"result": [kind]}

    async def paging_token(request: Request, asked: dict[str, str]) -> Document:
        del request
        if not asked.get("sinceDatetime"):
            raise blank("sinceDatetime")
        return {"nextPageToken": token(moment(asked["sinceDatetime"]), 0)}

    async def index(request: Request, asked: dict[str, str]) -> Document:
        del request
        types, leads = numbers(asked, "activityTypeIds", _MOST_TYPES), numbers(asked, "leadIds", _MOST_LEADS)
        if not types:
            raise blank("activityTypeIds")
        begin, after = since(asked.get("nextPageToken") or "")
        rows = subscription.activities(begin, after, types, leads, PAGE + 1)
        last = rows[:PAGE][-1]["id"] if rows else after
        return {
            "result": [shown_activity(row) for row in rows[:PAGE]], "moreResult": len(rows) > PAGE,
            "nextPageToken": token(begin, last),
        }  # fmt: skip

    async def add(request: Request, asked: dict[str, str]) -> Document:
        del asked
        inputs = body(request).get("input")
        if not isinstance(inputs, list) or len(inputs) > PAGE:  # pyright: ignore[reportUnknownArgumentType]
            raise blank("input")
        await asyncio.sleep(work.seconds)
        results: list[Document] = []
        for each in inputs:  # pyright: ignore[reportUnknownVariableType]
            try:
                key = subscription.add(each)  # pyright: ignore[reportUnknownArgumentType]
                results.append({"id": key, "marketoGUID": str(key), "status": "added"})
            except Refusal as refused:
                results.append({"status": "skipped", "errors": [refused.error()]})
        return {"result": results}

    return [
        ("GET", "/rest/v1/activities/types.json", show_types),
        ("GET", "/rest/v1/activities/external/types.json", show_types),
        ("GET", "/rest/v1/activities/pagingtoken.json", paging_token), ("GET", "/rest/v1/activities.json", index),
        ("POST", "/rest/v1/activities/external.json", add),
    ]  # fmt: skip
