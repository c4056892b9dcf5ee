"""Every door and every fault, and how it ends: recovered from, a problem, or why the two never meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from salesforce_doors.administration import Analytics, Deploy, Retrieve
from salesforce_doors.bulk import BulkExtract, BulkLoad, BulkSerialLoad
from salesforce_doors.door import Door
from salesforce_doors.events import CometdPolls, Publish, PubSubStream
from salesforce_doors.records import Collection, CrmReads, CrmWrites, Login, Rows, Tree, Updates
from shared.binding.problems import BackendFault, BackendUnavailable, DeadlineExceeded, Problem, QuotaExceeded, Refused
from shared.messaging.event_source import PositionExpired
from shared.resilience.outbound_faults import OutcomeUnknown
from system_apis.salesforce.events.refusals import SessionOver


@dataclass(frozen=True)
class Recovers:
    """The work ends as if nothing had happened, or with what is `told` of it (regular expressions)."""

    told: Sequence[str] = ()


@dataclass(frozen=True)
class Ends:
    """The work ends in this problem; gone on with, it ends well.

    Attributes:
        kind: Of the problem, exactly.
        unknown: Whether the problem says that the write may have taken effect.
    """

    kind: type[Problem]
    unknown: bool = False


@dataclass(frozen=True)
class Never:
    """They do not meet."""

    reason: str


@dataclass(frozen=True)
class At:
    """It depends on which of the door's requests is struck."""

    points: Mapping[str, Recovers | Ends | Never]


Cell: TypeAlias = Recovers | Ends | Never | At


def at(**points: Recovers | Ends | Never) -> At:
    return At(points)


OK: Final = Recovers()
DOWN, FAULTY, LATE, SPENT = Ends(BackendUnavailable), Ends(BackendFault), Ends(DeadlineExceeded), Ends(QuotaExceeded)
DOUBT, LATE_DOUBT = Ends(OutcomeUnknown, unknown=True), Ends(DeadlineExceeded, unknown=True)
NO_POSITION: Final = Never("It has no position in a stream of events.")
NO_EVENTS: Final = Never("It receives no change events.")
NO_STREAM: Final = {
    "replay-expired": NO_POSITION, "replay-corrupt": NO_POSITION, "gap": NO_EVENTS, "overflow": NO_EVENTS,
}  # fmt: skip
NO_LOCK: Final = Never("Reading waits for no row's lock.")
NO_WRITE: Final = Never("It writes nothing.")
ONE_ROW: Final = Never("It is one row: accepted or refused.")
READS: Final = {"row-locked": NO_LOCK, "lost-reply": OK, "partial": Never("A read is answered or refused as a whole.")}
CREATES: Final[dict[str, Cell]] = {
    **NO_STREAM, "session-ends": OK, "session-refused": FAULTY, "row-locked": OK, "limit": SPENT, "slow": LATE_DOUBT,
    "truncated": DOUBT, "lost-reply": DOUBT, "closed": DOUBT, "html": DOUBT, "nonsense": DOUBT, "5xx": DOWN,
    "outage": DOWN,
}  # fmt: skip
"""Writes that may not be sent twice: after each doubt the caller looks before it repeats."""

TABLE: Final[dict[type[Door], dict[str, Cell]]] = {
    Login: {
        **NO_STREAM, **READS,
        "session-ends": Never("It is where sessions begin."),
        "session-refused": Never("It presents credentials, no token; that they are refused is a test of oauth."),
        "limit": DOWN, "slow": LATE, "truncated": OK, "closed": OK, "html": FAULTY, "nonsense": FAULTY, "5xx": OK,
        "outage": DOWN,
    },
    CrmReads: {
        **NO_STREAM, **READS,
        "session-ends": OK, "session-refused": FAULTY, "limit": SPENT, "slow": LATE, "truncated": OK, "closed": OK,
        "html": FAULTY, "nonsense": FAULTY, "5xx": OK, "outage": DOWN,
    },
    Rows: {**CREATES, "partial": ONE_ROW},
    Updates: {
        **CREATES, "partial": ONE_ROW,
        "slow": LATE, "truncated": OK, "lost-reply": OK, "closed": OK, "html": FAULTY, "nonsense": FAULTY, "5xx": OK,
    },
    Collection: {**CREATES, "partial": OK},
    Tree: {**CREATES, "partial": OK},
    CrmWrites: {
        **CREATES, "partial": Ends(Refused),
        "slow": at(look=LATE, write=LATE_DOUBT), "truncated": OK, "lost-reply": OK, "closed": OK,
        "html": at(look=FAULTY, write=OK), "nonsense": at(look=FAULTY, write=OK), "5xx": at(look=OK, write=DOWN),
    },
    BulkLoad: {
        **NO_STREAM,
        "session-ends": OK, "session-refused": FAULTY, "row-locked": OK, "limit": SPENT, "partial": OK,
        "slow": at(create=LATE, upload=OK, release=OK, look=OK, results=OK),
        "truncated": OK, "lost-reply": OK, "closed": OK,
        "html": at(create=FAULTY, upload=OK, release=FAULTY, look=FAULTY, results=FAULTY),
        "nonsense": at(create=FAULTY, upload=OK, release=FAULTY, look=FAULTY, results=FAULTY), "5xx": OK,
        "outage": at(create=DOWN, upload=DOWN, release=DOWN, look=Never("It looks on until the time is over."),
                     results=DOWN),
    },
    BulkExtract: {
        **NO_STREAM, **READS,
        "session-ends": OK, "session-refused": FAULTY, "limit": SPENT, "slow": at(create=LATE, look=LATE, page=OK),
        "truncated": OK, "closed": OK, "html": FAULTY, "nonsense": FAULTY, "5xx": OK, "outage": DOWN,
    },
    BulkSerialLoad: {
        **NO_STREAM,
        "session-ends": OK, "session-refused": FAULTY,
        "row-locked": Never("Its batches follow one another so that they do not lock each other out; test_serial."),
        "limit": SPENT, "partial": OK,
        "slow": at(create=LATE, batch=LATE_DOUBT, look=OK, results=LATE, close=OK),
        "truncated": at(create=OK, batch=DOUBT, look=OK, results=OK, close=OK),
        "lost-reply": at(create=OK, batch=DOUBT, look=OK, results=OK, close=OK),
        "closed": at(create=OK, batch=DOUBT, look=OK, results=OK, close=OK),
        "html": at(create=FAULTY, batch=DOUBT, look=FAULTY, results=FAULTY, close=OK),
        "nonsense": at(create=FAULTY, batch=DOUBT, look=FAULTY, results=FAULTY, close=OK),
        "5xx": at(create=OK, batch=DOWN, look=OK, results=OK, close=OK),
        "outage": at(create=DOWN, batch=DOWN, look=Never("It looks on until the time is over."), results=DOWN,
                     close=OK),
    },
    PubSubStream: {
        **READS, "lost-reply": NO_WRITE,
        "session-ends": OK, "session-refused": Ends(SessionOver), "replay-expired": Ends(PositionExpired),
        "replay-corrupt": Ends(PositionExpired), "limit": OK, "gap": OK, "overflow": OK, "slow": OK, "truncated": OK,
        "closed": OK, "html": OK, "nonsense": Recovers(("a", "b", "Of this event .*", "d")), "5xx": OK, "outage": OK,
    },
    CometdPolls: {
        **READS, "lost-reply": OK,
        "session-ends": OK, "session-refused": Ends(SessionOver), "replay-expired": Ends(PositionExpired),
        "replay-corrupt": Ends(PositionExpired), "limit": OK, "gap": OK, "overflow": OK, "slow": OK, "truncated": OK,
        "closed": OK, "html": OK, "nonsense": OK, "5xx": OK, "outage": OK,
    },
    Publish: {
        **NO_STREAM,
        "session-ends": OK, "session-refused": Ends(SessionOver),
        "row-locked": Never("An event is stored, and locks no row."), "limit": SPENT, "partial": OK, "slow": DOUBT,
        "truncated": DOUBT, "lost-reply": DOUBT, "closed": DOUBT, "html": DOUBT,
        "nonsense": Never("gRPC says INTERNAL of an answer that it cannot read: truncated."),
        "5xx": DOUBT, "outage": DOUBT,
    },
    Deploy: {
        **NO_STREAM,
        "row-locked": Never("A deployment waits for the one before it, and the org does not refuse it."),
        "session-ends": OK, "session-refused": FAULTY, "limit": SPENT, "partial": OK,
        "slow": at(begin=LATE_DOUBT, look=LATE),
        "truncated": at(begin=DOUBT, look=OK), "lost-reply": at(begin=DOUBT, look=OK),
        "closed": at(begin=DOUBT, look=OK), "html": at(begin=DOUBT, look=FAULTY),
        "nonsense": at(begin=DOUBT, look=FAULTY), "5xx": at(begin=DOWN, look=OK), "outage": at(begin=DOWN, look=OK),
    },
    Retrieve: {
        **NO_STREAM, **READS,
        "session-ends": OK, "session-refused": FAULTY, "limit": SPENT, "slow": LATE, "truncated": OK, "closed": OK,
        "html": FAULTY, "nonsense": FAULTY, "5xx": OK, "outage": DOWN,
    },
    Analytics: {
        **NO_STREAM,
        "row-locked": Never("An upload is a row that nobody else writes."),
        "session-ends": OK, "session-refused": FAULTY, "limit": SPENT, "partial": OK,
        "slow": at(begin=LATE, part=LATE_DOUBT, process=LATE_DOUBT, look=DOWN),
        "truncated": OK, "lost-reply": OK, "closed": OK,
        "html": at(begin=FAULTY, part=OK, process=OK, look=OK),
        "nonsense": at(begin=FAULTY, part=OK, process=OK, look=OK),
        "5xx": at(begin=OK, part=DOWN, process=DOWN, look=OK),
        "outage": at(begin=DOWN, part=DOWN, process=DOWN, look=Never("It looks on until the time is over.")),
    },
}  # fmt: skip
