"""The nightly budget drill: hours of batch work against an org with a small allowance, on a clock that tests move."""

import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from sandboxes.company import company
from shared.binding.call_context import CallContext, calling
from shared.binding.problems import QuotaExceeded
from shared.contracts.canonical.order import NewCrmOrder
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.resilience import quota
from shared.resilience.outbound import Outbound
from shared.resilience.quota_forecast import Forecast, forecast
from shared.resilience.quota_treasury import Treasury
from shared.resilience.wire_default import open_wire
from shared.telemetry.metrics import exposition
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.service import SalesforceCrm

BUCKET = 300
ALLOWED = 200
BUYER = company().customers[0].salesforce_id
BATCH, ORDER = CallContext(priority="batch"), CallContext(priority="order")


class Night:
    """Treasurer and org on one clock, and a batch that reads a customer every minute."""

    def __init__(self, org: Any, treasury: Treasury, connector: SalesforceConnector) -> None:
        self.began = self.now = float(int(time.time()) // BUCKET * BUCKET)
        self._org = org
        self.treasury = treasury
        self.connector = connector
        self.crm = SalesforceCrm(connector)

    async def pass_(self, seconds: float) -> None:
        self.now += seconds
        await self._org.control("clock", offset_seconds=self.now - time.time())

    async def batch_until(self, minutes: float) -> QuotaExceeded | None:
        while self.now - self.began < minutes * 60:
            try:
                with calling(BATCH):
                    await self.crm.get_customer(BUYER)
            except QuotaExceeded as refusal:
                return refusal
            await self.pass_(60)
        return None


@pytest.fixture
async def night(
    org: Any, settings: SalesforceSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Night]:
    monkeypatch.setattr(quota, "_PATIENCE", 10.0)  # a busy test machine is no outage
    await org.control("limits", DailyApiRequests=ALLOWED)
    wire = open_wire()
    async with EmbeddedValkey(tmp_path) as server, valkey_client(server.url) as valkey:
        treasury = Treasury(valkey, wall=lambda: night.now)
        night = Night(org, treasury, SalesforceConnector(settings, Outbound(wire, treasury=treasury)))
        yield night
        await treasury.aclose()
    await wire.aclose()


async def look(night: Night) -> Forecast:
    treasurer = night.connector.usage.treasurer
    await treasurer.visit()
    return forecast(await treasurer._ledger.read())


def alerts() -> dict[str, float]:
    lines = exposition("text/plain")[0].decode().splitlines()
    ours = [line for line in lines if line.startswith('triptych_quota_alerts_total{budget="salesforce"')]
    return {line.split('"')[3]: float(line.split()[-1]) for line in ours}


async def test_batch_stops_at_the_reserve_as_forecast_while_orders_go_on(
    night: Night, org: Any, new_order: Callable[..., NewCrmOrder]
) -> None:
    order, before = new_order(), alerts()
    await org.control("limits", used=0)  # the quote was read by somebody else
    await night.pass_(0)
    assert await night.batch_until(100) is None
    coming, at = await look(night), night.now
    assert coming.per_hour == pytest.approx(60, rel=0.05)

    refusal = await night.batch_until(24 * 60)
    assert refusal is not None
    assert coming.batch_stops_in == pytest.approx(night.now - at, rel=0.05)
    assert await calls_counted(org) == ALLOWED * 0.8
    assert refusal.retry_after == pytest.approx(86_400 + BUCKET - (night.now - night.began), abs=2 * BUCKET)

    with calling(ORDER):
        assert (await night.crm.record_order(order)).reference == order.reference
    assert (await night.crm.get_customer(BUYER)).customer_id == BUYER
    assert night.connector.usage.treasurer.balance.used == await calls_counted(org)
    after = alerts()
    assert {level: after.get(level, 0) - before.get(level, 0) for level in ("70", "85", "95")} == {
        "70": 1,
        "85": 0,
        "95": 0,
    }
    well, words = await night.treasury.health()
    assert not well
    assert "of 200 calls used" in words

    night.now += (refusal.retry_after or 0) + 3 * BUCKET  # what was spent in the first minutes rolls out
    with calling(BATCH):
        await night.connector.usage.treasurer.take()


async def test_what_others_spend_stops_our_batch_and_lets_it_go_on_when_it_falls(night: Night, org: Any) -> None:
    await night.pass_(0)
    assert await night.batch_until(5) is None
    await org.control("limits", used=170)
    await night.batch_until(6)
    refusal = await night.batch_until(7)
    assert refusal is not None
    assert refusal.retry_after is not None
    assert refusal.retry_after <= 2 * BUCKET  # by then somebody looks
    await org.control("limits", used=20)
    stopped = night.now
    for _ in range(10):  # the first look hears of it; what was heard before stands for an hour
        await night.pass_(BUCKET * 2)
        if await night.batch_until((night.now - night.began) / 60 + 2) is None:
            break
    assert 45 * 60 <= night.now - stopped <= 75 * 60


async def calls_counted(org: Any) -> int:
    """What the org itself counts, less this question."""
    limits = await org.rest("GET", "/limits")
    counted = limits["DailyApiRequests"]["Max"] - limits["DailyApiRequests"]["Remaining"] - 1
    await org.control("limits", used=counted)
    return counted
