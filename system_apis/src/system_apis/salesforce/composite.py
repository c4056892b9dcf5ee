"""Composite: several requests in one call, together or not at all (REST API Developer Guide, "Composite")."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from shared.binding.problems import BackendFault, Problem
from system_apis.salesforce.faults import HALTED, code_of, problem_of_errors
from system_apis.salesforce.records import SaveError, SaveResult, SubResult

_Record = TypeVar("_Record")

_body = msgspec.json.Encoder(decimal_format="number")
_save_errors = msgspec.json.Decoder(list[SaveError])
_save_results = msgspec.json.Decoder(list[SaveResult])
_REFUSED: Final = 300
_TAKEN_DOWN: Final = (HALTED, "ALL_OR_NONE_OPERATION_ROLLED_BACK")


class Part(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One request inside a Composite; `url` and `body` may refer to earlier ones as `@{name.id}`."""

    reference_id: str
    method: str
    url: str
    body: dict[str, Any] | None = None
    http_headers: dict[str, str] | None = None


class PartRefused(Exception):  # noqa: N818 - carries a refusal to the operation that knows its meaning
    """A part of a Composite was refused for good, and with it the whole.

    Attributes:
        part: Its `reference_id`.
        status: Its HTTP status.
        code: Salesforce's code of the first error.
        problem: What it means if the operation knows nothing better.
    """

    def __init__(self, part: str, status: int, code: str, problem: Problem) -> None:
        super().__init__(f"{part}: {code}")
        self.part = part
        self.status = status
        self.code = code
        self.problem = problem


def envelope(parts: Sequence[Part], *, all_or_none: bool = True) -> bytes:
    """The body that runs these in their order, each seeing what the ones before did; by default all or none."""
    return _body.encode({"allOrNone": all_or_none, "collateSubrequests": False, "compositeRequest": parts})


def as_given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a part whose texts came from a caller: `@{` is no reference there.

    Composite has no escape for it, so a space comes between the two signs.
    """
    return {name: text.replace("@{", "@ {") if isinstance(text, str) else text for name, text in fields.items()}


def refusal_of(answer: Sequence[SubResult]) -> PartRefused | None:
    """The part that took the others down, if any was refused."""
    return next(filter(None, map(_refusal, answer)), None)


def _refusal(result: SubResult) -> PartRefused | None:
    errors: list[SaveError] = []
    if result.http_status_code >= _REFUSED:
        errors = decode_part(_save_errors, result)
    elif bytes(result.body)[:1] == b"[":
        errors = [error for save in decode_part(_save_results, result) if not save.success for error in save.errors]
    errors = [error for error in errors if code_of(error) not in _TAKEN_DOWN]
    if not errors:
        return None
    problem = problem_of_errors(result.http_status_code, errors)
    return PartRefused(result.reference_id, result.http_status_code, code_of(errors[0]), problem)


def decode_part(decoder: msgspec.json.Decoder[_Record], result: SubResult) -> _Record:
    """The body of a part; BackendFault if it is of another shape."""
    try:
        return decoder.decode(result.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BackendFault(f"Salesforce answered the part {result.reference_id} with something else.") from None
