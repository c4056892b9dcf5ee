"""PushTopics: queries whose matches are told on `/topic/<name>` as records change (Streaming API, "PushTopics")."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sandboxes.kit import Clock
from sandboxes.salesforce.events.bus import Bus
from sandboxes.salesforce.events.topic_queries import TopicQuery, topic_query
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.schema import Catalogue, SObject
from sandboxes.salesforce.schema.values import stored_moment
from sandboxes.salesforce.soql.execution import Queries
from sandboxes.salesforce.storage import Row, Store

TOPICS = "/topic/"
_TOLD = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted", "UNDELETE": "undeleted"}
_SQL = (
    'SELECT "Name", "Query", "NotifyForFields", "NotifyForOperationCreate", "NotifyForOperationUpdate", '
    '"NotifyForOperationDelete", "NotifyForOperationUndelete" FROM "PushTopic" '
    'WHERE "IsActive" = 1 AND "IsDeleted" = 0 ORDER BY "Id"'
)


class PushTopic(Struct, frozen=True):
    """An active PushTopic.

    Attributes:
        notify: Which fields' changes count: Referenced, All, Select or Where.
        kinds: Which changes of a record are told: CREATE, UPDATE, DELETE, UNDELETE.
    """

    name: str
    query: TopicQuery
    notify: str
    kinds: frozenset[str]

    def concerns(self, row: Row, before: Row | None) -> bool:
        """Whether a change of a record is one that counts."""
        if before is None or self.notify == "All":
            return True
        named = {
            "Select": self.query.selected,
            "Where": self.query.tested,
            "Referenced": self.query.selected | self.query.tested,
        }[self.notify]
        return any(row.get(name) != before.get(name) for name in named)


class PushTopics:
    """The PushTopics of one org.

    Args:
        store: The records, those that define topics among them.
        catalogue: The objects.
        bus: Where notifications go.
        queries: Runs their queries.
        clock: Dates them.
    """

    def __init__(self, store: Store, catalogue: Catalogue, bus: Bus, queries: Queries, clock: Clock) -> None:
        self._store, self._catalogue, self._bus = store, catalogue, bus
        self._queries, self._clock = queries, clock
        self._known: dict[str, TopicQuery | None] = {}

    def find(self, channel: str) -> PushTopic | None:
        """The active topic of a channel, `/topic/InvoiceStatements`."""
        return next((each for each in self._active() if channel == TOPICS + each.name), None)

    def note(self, kind: str, sobject: SObject, row: Row, before: Row | None) -> None:
        """A record was saved or deleted, in a transaction that is not over."""
        for topic in self._active():
            if topic.query.plan.sobject.name == sobject.name and kind in topic.kinds and topic.concerns(row, before):
                self._tell(topic, kind, row["Id"])

    def forget(self) -> None:
        """Objects may have changed: compile every query anew."""
        self._known.clear()

    def _tell(self, topic: PushTopic, kind: str, record_id: str) -> None:
        plan = topic.query.plan
        # The id is the first parameter, as the query was compiled for any.
        found = self._queries.run(replace(plan, parameters=(record_id, *plan.parameters[1:])), "", "").records
        if not found:
            return
        record = {"Id": record_id} if kind == "DELETE" else _told(plan.sobject, found[0])
        event = {"createdDate": _moment(stored_moment(self._clock.now())), "type": _TOLD[kind]}
        self._bus.publish(TOPICS + topic.name, {"event": event, "sobject": record}, counted=False)
        self._store.note(topic.name)

    def _active(self) -> Iterator[PushTopic]:
        for name, soql, notify, *flags in self._store.select(_SQL):
            query = self._compiled(soql)
            if query is not None:
                kinds = frozenset(kind for kind, flag in zip(_TOLD, flags, strict=True) if flag)
                yield PushTopic(name, query, notify, kinds)

    def _compiled(self, soql: str) -> TopicQuery | None:
        """None when it names what was deleted since it was saved."""
        if soql not in self._known:
            try:
                self._known[soql] = topic_query(self._catalogue, soql)
            except ApiError:
                self._known[soql] = None
        return self._known[soql]


def _told(sobject: SObject, record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _moment(value) if value and sobject.fields[name.lower()].type == "datetime" else value
        for name, value in record.items()
        if name != "attributes"
    }


def _moment(stored: str) -> str:
    return stored.removesuffix("+0000") + "Z"
