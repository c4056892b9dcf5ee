"""What operators see of quotas: gauges, and one log line for each alert level that is crossed.

Every process that spends a budget shows the books of all; read the greatest of a name, not the sum.
"""

from math import inf

from shared.resilience.quota_budget import ALERT_LEVELS
from shared.resilience.quota_forecast import Snapshot, forecast
from shared.resilience.quota_ledger import Balance
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import counter, gauge

_log = get_logger("quota")
_LABELS = ("budget",)
_limit = gauge("triptych_quota_limit", "Calls allowed in the window.", _LABELS)
_used = gauge("triptych_quota_used", "Calls that count, by who made them: us or others.", ("budget", "by"))
_left = gauge("triptych_quota_left", "Calls left for the most urgent work.", _LABELS)
_reserve = gauge("triptych_quota_reserve", "Calls of the limit that batch work leaves alone.", _LABELS)
_rate = gauge("triptych_quota_calls_per_hour", "Calls an hour, weighted by the last hours.", _LABELS)
_runs_out = gauge("triptych_quota_runs_out_seconds", "Until nothing is left at the present rate; +Inf: never.", _LABELS)
_batch_stops = gauge("triptych_quota_batch_stops_seconds", "Until batch work stops at the reserve.", _LABELS)
_alert = gauge("triptych_quota_alert_level", f"Alert level crossed last, of 0, {ALERT_LEVELS} percent.", _LABELS)
_alerts = counter("triptych_quota_alerts_total", "Alert levels crossed upwards.", ("budget", "level"))
_refused = counter("triptych_quota_refused_total", "Calls that the treasurer refused.", ("budget", "priority"))
_alone = gauge("triptych_quota_alone", "1 while Valkey is away and this process keeps its own books.", _LABELS)


def tell_standing(snapshot: Snapshot, level: int) -> None:
    """Set the gauges of a budget."""
    name, coming = snapshot.budget.name, forecast(snapshot)
    _limit.set(snapshot.limit, name)
    _used.set(snapshot.by_us, name, "us")
    _used.set(snapshot.by_others, name, "others")
    _left.set(snapshot.left, name)
    _reserve.set(snapshot.kept, name)
    _rate.set(coming.per_hour, name)
    _runs_out.set(inf if coming.runs_out_in is None else coming.runs_out_in, name)
    _batch_stops.set(inf if coming.batch_stops_in is None else coming.batch_stops_in, name)
    _alert.set(level, name)


def tell_crossing(name: str, balance: Balance) -> None:
    """An alert level was crossed upwards; one process of all hears it from the ledger."""
    _alerts.inc(name, str(balance.crossed))
    _log.warning(
        "quota.alert", budget=name, percent=balance.crossed, used=balance.used, by_others=balance.others,
        limit=balance.limit,
    )  # fmt: skip


def tell_refusal(name: str, priority: str) -> None:
    """A call was refused."""
    _refused.inc(name, priority)


def tell_alone(name: str, *, alone: bool) -> None:
    """Whether this process keeps its own books because Valkey is away."""
    _alone.set(alone, name)
