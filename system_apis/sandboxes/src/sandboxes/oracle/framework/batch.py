"""Several operations in one request and one transaction: all take effect, or none."""

from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

from sandboxes.kit import Response
from sandboxes.oracle.framework.declare import Work
from sandboxes.oracle.framework.payload import read_document
from sandboxes.oracle.framework.problems import RestError, refuse
from sandboxes.oracle.framework.request import Call, media_type
from sandboxes.oracle.framework.values import decode_json, encode_json

Answer = Callable[[Call, Work], Response]
_METHODS = {
    "get": "GET",
    "create": "POST",
    "update": "PATCH",
    "replace": "PUT",
    "upsert": "POST",
    "delete": "DELETE",
    "describe": "GET",
    "invoke": "POST",
}


class PartRefused(Exception):  # noqa: N818 - reads as what it is
    """A part was refused, and with it the batch; rolls the transaction back.

    Args:
        part: The part's id.
        refusal: Why.
    """

    def __init__(self, part: str, refusal: RestError) -> None:
        super().__init__(str(refusal))
        self.part, self.refusal = part, refusal


def answer_batch(answer: Answer, call: Call, work: Work) -> Response:
    """Do the parts one after the other.

    Raises:
        RestError: The batch itself cannot be read.
        PartRefused: A part was refused.
    """
    call.sends("batch")
    call.accepts("batch")
    parts = read_document(call.body).get("parts")
    if not isinstance(parts, list) or not parts:
        raise refuse(400, "A batch needs parts.", "ADF-27030")
    answered = [_part(answer, call, work, one) for one in cast("list[object]", parts)]
    return Response(encode_json({"parts": answered}), media_type=media_type("batch"))


def _part(answer: Answer, call: Call, work: Work, part: object) -> dict[str, object]:
    if not isinstance(part, dict):
        raise refuse(400, "A part of a batch must be an object.", "ADF-27030")
    one = cast("dict[str, Any]", part)
    name, operation = str(one.get("id", "")), str(one.get("operation", ""))
    if not name or operation not in _METHODS:
        raise refuse(400, f"Part {name or 'without id'} has no known operation.", "ADF-27030")
    try:
        response = answer(_call(call, operation, one), work)
    except RestError as refusal:
        raise PartRefused(name, refusal) from refusal
    answered: dict[str, object] = {"id": name, "path": one.get("path"), "operation": operation}
    return answered | ({"payload": decode_json(response.body)} if response.body else {})


def _call(outer: Call, operation: str, part: Mapping[str, Any]) -> Call:
    path, _, query = str(part.get("path", "")).partition("?")
    headers = {"accept": "*/*", "content-type": "application/json"}
    if "ifMatch" in part:
        headers["if-match"] = str(part["ifMatch"])
    segments = tuple(filter(None, path.split("/")))
    if operation == "describe" and segments[-1:] != ("describe",):
        segments = (*segments, "describe")
    return Call(
        method=_METHODS[operation],
        path=segments,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=encode_json(part["payload"]) if "payload" in part else b"",
        root=outer.root,
        version=outer.version,
        upsert=operation == "upsert",
    )
