"""Pages of a collection: ids and links only, as the record service lists records."""

from typing import Any
from urllib.parse import urlencode

from sandboxes.kit import Request, Response
from sandboxes.netsuite.records.conditions import condition
from sandboxes.netsuite.records.showing import link
from sandboxes.netsuite.records.store import Records
from sandboxes.netsuite.refusals import invalid_parameter
from sandboxes.netsuite.schema.model import RecordType

MOST = 1000
_PARAMETERS = frozenset({"q", "limit", "offset"})


def collection(records: Records, record_type: RecordType, request: Request, url: str) -> Response:
    """The page that a request asks for.

    Raises:
        Refusal: INVALID_PARAMETER.
    """
    query = request.query
    if unknown := sorted(query.keys() - _PARAMETERS):
        raise invalid_parameter(unknown[0], f"Query parameter '{unknown[0]}' is not supported here.")
    limit, offset = page_of(query)
    if offset % limit:
        raise invalid_parameter("offset", "The offset must be a multiple of the limit.")
    said = query.get("q")
    fits = condition(record_type, said) if said else None
    every = records.every(record_type.name)
    found = [str(one["id"]) for one in every if fits is None or fits(one)]
    items = [{"links": [link("self", f"{url}/{key}")], "id": key} for key in found[offset : offset + limit]]
    document = paged(items, len(found), limit, offset, url, {"q": said} if said else {})
    return Response(document, media_type="application/vnd.oracle.resource+json; type=collection; charset=UTF-8")


def page_of(query: dict[str, str], most: int = MOST) -> tuple[int, int]:
    """Limit and offset of a query.

    Raises:
        Refusal: INVALID_PARAMETER, they are no whole numbers or out of range.
    """
    numbers = list[int]()
    for name, default, least, greatest in (("limit", most, 1, most), ("offset", 0, 0, 10**9)):
        text = query.get(name, str(default))
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= greatest:
            raise invalid_parameter(name, f"{name} is a whole number from {least} to {greatest}.")
        numbers.append(int(text))
    return numbers[0], numbers[1]


def paged(
    items: list[Any], total: int, limit: int, offset: int, url: str, more: dict[str, str]
) -> dict[str, Any]:  # fmt: skip
    """The envelope of a page, with links to the pages around it."""

    def page(start: int) -> str:
        return f"{url}?{urlencode({**more, 'limit': limit, 'offset': start})}"

    links = [link("self", page(offset))]
    has_more = offset + len(items) < total
    if offset:
        links += [link("first", page(0)), link("prev", page(max(offset - limit, 0)))]
    if has_more:
        links += [link("next", page(offset + limit)), link("last", page((total - 1) // limit * limit))]
    return {
        "links": links,
        "count": len(items),
        "hasMore": has_more,
        "items": items,
        "offset": offset,
        "totalResults": total,
    }
