"""Dead letters show in the metrics soon after they arise, and no longer once they are settled."""

from typing import Any

from eventually import eventually

from shared.durable.flow_watch import FlowWatch
from shared.durable.journal import Amendment, AuditEntry, Change, FlowRecord, Save
from shared.telemetry.metrics import REGISTRY


async def shown(state: str, count: int) -> None:
    await eventually(lambda: REGISTRY.get_sample_value("triptych_flows", {"state": state}) == count)


async def test_the_gauge_follows_the_journal(journal: Any) -> None:
    watch = FlowWatch(journal, every=0.02)
    watch.start()
    await shown("dead", 0)
    await journal.start(FlowRecord("f", "f", 1, "send@1", b"{}", b"{}"), "w")
    await shown("running", 1)
    await journal.save(Save("f", 1, (), Change("dead", problem=b"{}")))
    await shown("dead", 1)
    await shown("running", 0)
    await journal.amend(Amendment(AuditEntry("f", "ann", "discard"), "discarded"))
    await shown("dead", 0)
    await watch.stop()


def test_operators_are_told_within_five_seconds() -> None:
    assert FlowWatch(journal=None)._every < 5.0  # type: ignore[arg-type]
