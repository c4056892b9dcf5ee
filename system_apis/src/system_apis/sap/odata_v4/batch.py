"""JSON `$batch` with one atomicity group: several changes that are made all or none.

Source: OData 4.01 "JSON Format" §19. The outer answer is 200 whatever happened inside; each request has an answer.
"""

import msgspec

from shared.binding.problems import BackendFault, Problem
from shared.resilience.outbound_faults import decode_json
from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.sap.batch import Change
from system_apis.sap.faults import NAME, problem_of
from system_apis.sap.odata_v4.spelling import EXACT

_OK = 200
_NOT_DONE = 424
"""Failed Dependency (RFC 4918 §11.4): not done because another of the group failed."""


class _Asked(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    method: str
    url: str
    headers: dict[str, str]
    body: msgspec.Raw
    atomicity_group: str = "all"


class _Answer(msgspec.Struct, frozen=True):
    id: str
    status: int
    body: msgspec.Raw = msgspec.Raw(b"")


class _Answers(msgspec.Struct, frozen=True):
    responses: list[_Answer]


def group_of(changes: list[Change]) -> bytes:
    """The body of a batch that makes all changes or none.

    Raises:
        BackendFault: SAP answered an entity tag that no header can hold.
    """
    if not all(one.etag.isprintable() for one in changes):
        raise BackendFault("SAP answered an entity tag with control characters; it was not sent back.")
    asked = [
        _Asked(
            str(number),
            "PATCH",
            one.path,
            {"content-type": EXACT, **({"if-match": one.etag} if one.etag else {})},
            msgspec.Raw(one.body),
        )
        for number, one in enumerate(changes, 1)
    ]
    return msgspec.json.encode({"requests": asked})


def problem_in_batch(reply: WireReply) -> Problem | None:
    """What went wrong with a batch, or inside it; None where every change was made."""
    if reply.status != _OK:
        return problem_of(reply)
    failed = [one for one in _answers(reply) if one.status >= 300]  # noqa: PLR2004 - success (RFC 9110 §15.3)
    if not failed:
        return None
    first = next((one for one in failed if one.status != _NOT_DONE), failed[0])
    return problem_of(WireReply(first.status, ReplyHeaders(), bytes(first.body)))


def check_whole(reply: WireReply, changes: list[Change]) -> None:
    """Refuse an answer that does not tell of every change.

    Raises:
        BackendFault: It does not, so that nobody knows which took effect.
    """
    if len(_answers(reply)) != len(changes):
        raise BackendFault("SAP did not answer every change of a batch; whether all took effect is unknown.")


def _answers(reply: WireReply) -> list[_Answer]:
    return decode_json(reply, _Answers, backend=NAME).responses
