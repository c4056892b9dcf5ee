"""What goes wrong, and how it is made to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from salesforce_doors.door import Door, Point
from sandboxes.company import company

Inflict = Callable[[Door, Point | None], Awaitable[None]]
GRPC: Final = {
    "pubsub": "Subscribe",
    "publish": "Publish",
}
"""Doors whose requests are calls of gRPC, and which of them is struck."""
_TIMES_OF_AN_OUTAGE = 12
"""More often than any door asks again."""


@dataclass(frozen=True)
class Fault:
    """One kind of bad luck.

    Attributes:
        story: What happens.
        inflict: Makes it happen in the middle of a door's work, or before.
        at_a_point: Whether it strikes one request of the work; then the door meets it at each of its points.
    """

    story: str
    inflict: Inflict
    at_a_point: bool = False


def strikes(http: dict[str, Any], grpc: dict[str, Any], story: str) -> Fault:
    """A fault of the line: in words of `__sandbox__/faults`, and of `__sandbox__/pubsub-faults`."""

    async def inflict(door: Door, point: Point | None) -> None:
        org = door.world.org
        if door.name in GRPC:
            await org.control("pubsub-faults", call=GRPC[door.name], **grpc)
        elif point is not None:
            told = {"times": 1, "after": point.after, **http}
            if door.name == "cometd":  # which tries again until it is over, after longer and longer pauses
                told["times"] = min(told["times"], 3)
            await org.control("faults", method=point.method, path=point.path, **told)

    return Fault(story, inflict, at_a_point=True)


def _levers(control: str, story: str, **body: Any) -> Fault:
    async def inflict(door: Door, point: Point | None) -> None:
        del point
        await door.world.org.control(control, **body)

    return Fault(story, inflict)


async def _refuse_sessions(door: Door, point: Point | None) -> None:
    """Every request of the door that comes from now on, each in the words of its API."""
    del point
    org = door.world.org
    if door.name in GRPC:
        await org.control("pubsub-faults", call=GRPC[door.name], fault="unauthenticated", times=_TIMES_OF_AN_OUTAGE)
    else:
        body = door.session_refusal
        for each in door.points.values():
            told = {"fault": "status", "status": door.session_status, "times": None, "body": body}
            await org.control("faults", method=each.method, path=each.path, **told)


async def _use_up(door: Door, point: Point | None) -> None:
    del point
    org = door.world.org
    if door.name in GRPC:
        await org.control("pubsub-faults", call=GRPC[door.name], fault="limit")
    elif door.name == "cometd":
        error = "403::Organization total events daily limit exceeded"
        body = [{"channel": "/meta/connect", "successful": False, "error": error, "advice": {"reconnect": "none"}}]
        await org.control("faults", method="POST", path="/cometd/*", fault="status", status=200, body=body)
    elif door.name == "login":
        body = {"error": "rate_limit_exceeded"}
        await org.control("faults", method="POST", path="*/token", fault="status", status=400, times=None, body=body)
    else:
        await org.control("limits", used=100_000)


async def _spoil(door: Any, point: Point | None) -> None:
    del point
    door.spoil()


async def _expire_position(door: Any, point: Point | None) -> None:
    del point
    await door.reopen(door.first_position)
    await door.world.org.control("forget-events")


async def _corrupt_position(door: Any, point: Point | None) -> None:
    del point
    await door.reopen("r-eHg")  # a replay id of two bytes, which no org ever gave


def _gap(kind: str, story: str) -> Fault:
    async def inflict(door: Door, point: Point | None) -> None:
        del point
        ids = [] if kind == "OVERFLOW" else [company().customers[0].salesforce_id]
        await door.world.org.control("gap", object="Account", kind=kind, ids=ids)

    return Fault(story, inflict)


FAULTS: Final[dict[str, Fault]] = {
    "session-ends": _levers("expire-tokens", "The access token ends in the middle of the work."),
    "session-refused": Fault("Every token is refused, fresh ones too.", _refuse_sessions),
    "replay-expired": Fault("The org no longer has what follows our position.", _expire_position),
    "replay-corrupt": Fault("Our position is none that the org ever gave.", _corrupt_position),
    "row-locked": _levers("lock-rows", "Somebody else is writing the row (UNABLE_TO_LOCK_ROW).", object="*", times=1),
    "limit": Fault("The org's requests for 24 hours, or its events, are used up.", _use_up),
    "partial": Fault("Some of what was sent is refused, and some is not.", _spoil),
    "gap": _gap("UPDATE", "The org tells that records changed, and not how (GAP_UPDATE)."),
    "overflow": _gap("OVERFLOW", "The org tells that more changed than it tells of (GAP_OVERFLOW)."),
    "slow": strikes({"fault": "close", "seconds": 6}, {"fault": "silent"}, "No answer comes in the time there is."),
    "truncated": strikes({"fault": "truncate"}, {"fault": "internal"}, "The reply breaks off in its middle."),
    "lost-reply": strikes({"fault": "lost-reply"}, {"fault": "lost"}, "It is done, and the reply to it is lost."),
    "closed": strikes({"fault": "close"}, {"fault": "end"}, "The connection is closed, and nothing is done."),
    "html": strikes({"fault": "html"}, {"fault": "unknown"}, "Somebody between answers 200 with a web page."),
    "nonsense": strikes({"fault": "nonsense"}, {"fault": "garbled"}, "The reply, 200, is JSON that ends nowhere."),
    "5xx": strikes({"fault": "html", "status": 503}, {"fault": "unavailable"}, "One request is answered 503."),
    "outage": strikes(
        {"fault": "html", "status": 503, "times": _TIMES_OF_AN_OUTAGE},
        {"fault": "unavailable", "times": 3},
        "503 again and again.",
    ),
}
