"""A small allowance in a running suite: batch work stops at the reserve, orders go through, operators are told."""

import json
from typing import Any

import httpx
import pytest

from sandboxes.company import company
from shared.host.quota_view import show_quotas
from shared.resilience import quota

ALLOWED = 120
BUYERS = [customer.salesforce_id for customer in company().customers]
QUOTE = company().quotes_for("plain")[0].salesforce_id


async def test_a_batch_leaves_the_reserve_to_orders_and_operators_are_told(
    calm_suite: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "_PATIENCE", 20.0)  # a busy test machine is no outage
    await calm_suite.sandbox("salesforce", "POST", "limits", {"DailyApiRequests": ALLOWED})
    bearer = {"authorization": f"Bearer {calm_suite.token('crm')}"}
    async with httpx.AsyncClient(base_url=calm_suite.edge, headers=bearer, timeout=60.0) as client:
        # one after the other, because reads that come together share a call
        customers = (f"/system/crm/v1/customers/{buyer}" for buyer in BUYERS)
        await client.get(next(customers))  # the first reply tells how small the allowance is

        refused = await client.get(next(customers), headers={"triptych-priority": "batch"})
        while refused.status_code != 429:
            assert refused.status_code in (200, 503), refused.text  # a busy machine sheds batch work first
            refused = await client.get(next(customers), headers={"triptych-priority": "batch"})
        assert ALLOWED * 0.2 <= await calls_left(calm_suite) <= ALLOWED * 0.2 + 3  # one may have been given up unsent
        assert (refused.json()["quota"], refused.json()["priority"]) == ("salesforce", "batch")
        assert 86_000 < int(refused.headers["retry-after"]) <= 86_700

        async with calm_suite.phone() as phone:
            placed = await phone.post("/orders", json={"quoteId": QUOTE}, headers={"prefer": "wait=25"})
        assert (placed.status_code, placed.json()["state"]) == (201, "completed")
        assert (await client.get(next(customers))).status_code == 200  # somebody waits for this one

        health = (await client.get("/health")).json()
        assert health["checks"]["quotas"][0]["status"] == "warn"
        metrics = (await client.get("/metrics")).text
        assert 'triptych_quota_alerts_total{budget="salesforce",level="70"}' in metrics
    await show_quotas(calm_suite.runtime, as_json=True)
    every = json.loads(capsys.readouterr().out.splitlines()[-1])
    (told,) = (one for one in every if one["budget"] == "salesforce")
    assert (told["limit"], told["reserve"]) == (ALLOWED, 24)
    assert 97 < told["usedByUs"] < ALLOWED
    assert told["left"] == ALLOWED - told["usedByUs"] - told["usedByOthers"]
    await show_quotas(calm_suite.runtime, as_json=False)
    assert "salesforce" in capsys.readouterr().out  # the suite reads its events meanwhile: the figures go on


async def calls_left(suite: Any) -> int:
    """By the org's own count."""
    return (await suite.sandbox("salesforce", "POST", "limits", {}))["DailyApiRequests"]["Remaining"]
