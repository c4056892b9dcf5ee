"""Orders taken while the ERP answers 503 wait for it, ask it once a second together, and are done soon after."""

import asyncio
import time

from eventually import eventually

ORDERS = 8
AWAY_SECONDS = 8.0
PROBES_A_SECOND = 2
"""Of each circuit one: reading and writing share one, logging on for writes has its own."""


async def test_orders_wait_out_an_erp_that_is_away_and_none_becomes_a_dead_letter(calm_suite) -> None:
    before = await calm_suite.books()
    await calm_suite.fault("sap", fault="status", status=503)
    ordered = [await calm_suite.order(prefer="respond-async") for _ in range(ORDERS)]
    assert {answer.status_code for _, answer in ordered} == {202}

    async def open_circuit() -> bool:
        # Many at once: what went well a moment ago, in the tests before, counts as much as what fails now.
        asked = await asyncio.gather(*(calm_suite.ask("GET", "/system/erp/v1/products?limit=1") for _ in range(20)))
        return any(answer.json()["type"].endswith("circuit-open") for answer in asked)

    await eventually(open_circuit, every=0.05)
    asked, began = len(await calm_suite.requests("sap")), time.monotonic()
    await asyncio.sleep(AWAY_SECONDS)
    probes, seconds = len(await calm_suite.requests("sap")) - asked, time.monotonic() - began
    assert probes <= PROBES_A_SECOND * (seconds + 1)

    async def is_asked_again() -> bool:  # a step that had tried before the circuit opened keeps its own pace
        return len(await calm_suite.requests("sap")) > asked

    await eventually(is_asked_again, within=90, every=0.1)
    await calm_suite.sandbox("sap", "DELETE", "faults")
    assert [await calm_suite.settled(quote) for quote, _ in ordered] == ["completed"] * ORDERS
    assert await calm_suite.books() == {name: found + ORDERS for name, found in before.items()}
