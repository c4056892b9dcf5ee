"""The books of every budget for a person at a terminal, or as JSON."""

import sys
from datetime import UTC, datetime

import msgspec
from redis.exceptions import RedisError
from rich.markup import escape
from rich.table import Table

from shared.host.embedded import valkey_client
from shared.host.operator_tables import standard_output, table
from shared.host.runtime import NotRunning, Runtime
from shared.resilience.quota_books import read_budgets
from shared.resilience.quota_budget import ALERT_LEVELS
from shared.resilience.quota_forecast import Snapshot, forecast

_COLORS: dict[int, str] = dict(zip(ALERT_LEVELS, ("yellow", "dark_orange", "bold red"), strict=True))
_HOUR = 3600


class QuotaStanding(msgspec.Struct, frozen=True, rename="camel"):
    """One budget as `--json` tells it; calls, moments in UTC, null for never at the present rate."""

    budget: str
    window_hours: float
    limit: int
    used_by_us: int
    used_by_others: int
    left: int
    reserve: int
    calls_per_hour: float
    batch_stops_at: datetime | None
    runs_out_at: datetime | None

    @property
    def percent(self) -> float:
        """How much of the limit is used."""
        return (self.used_by_us + self.used_by_others) * 100 / self.limit


async def show_quotas(runtime: Runtime, *, as_json: bool) -> None:
    """Print every budget of a running suite.

    Raises:
        NotRunning: Its Valkey does not answer.
    """
    try:
        async with valkey_client(runtime.valkey) as valkey:
            standings = [_standing(each) for each in await read_budgets(valkey)]
    except (RedisError, OSError) as error:
        raise NotRunning(
            f"The suite of the state directory {runtime.state} is not running: its Valkey does not answer "
            f"({type(error).__name__}). Run `triptych up` first."
        ) from None
    if as_json:
        sys.stdout.write(msgspec.json.encode(standings).decode() + "\n")
    elif standings:
        standard_output().print(standings_table(standings))
    else:
        standard_output().print("Nothing was spent yet.")


def standings_table(standings: list[QuotaStanding]) -> Table:
    """A row for each budget."""
    made = table("budget", "limit", "by us", "by others", "left", "reserve", "an hour", "batch stops", "runs out")
    for column in made.columns[1:]:
        column.justify = "right"
        column.no_wrap = True
    for each in standings:
        level = max((level for level in ALERT_LEVELS if each.percent >= level), default=0)
        color = _COLORS.get(level, "green")
        made.add_row(
            f"{escape(each.budget)} [dim]{each.window_hours:g} h[/]", f"{each.limit:,}", f"{each.used_by_us:,}",
            f"{each.used_by_others:,}", f"[{color}]{each.left:,} ({100 - each.percent:.0f} %)[/]", f"{each.reserve:,}",
            f"{each.calls_per_hour:,.0f}", _moment(each.batch_stops_at), _moment(each.runs_out_at),
        )  # fmt: skip
    return made


def _standing(snapshot: Snapshot) -> QuotaStanding:
    coming = forecast(snapshot)

    def moment(seconds: float | None) -> datetime | None:
        return None if seconds is None else datetime.fromtimestamp(int(snapshot.now + seconds), UTC)

    return QuotaStanding(
        snapshot.budget.name, snapshot.budget.window_seconds / _HOUR, snapshot.limit, snapshot.by_us,
        snapshot.by_others, snapshot.left, snapshot.kept, round(coming.per_hour, 1), moment(coming.batch_stops_in),
        moment(coming.runs_out_in),
    )  # fmt: skip


def _moment(at: datetime | None) -> str:
    if at is None:
        return "[green]never so[/]"
    if at <= datetime.now(UTC):
        return "[bold red]now[/]"
    return f"{at.astimezone():%d %b %H:%M}"
