"""Old flows go into the archive by one command beside a running suite, and callers do not notice."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import httpx

from sandboxes.company import company

QUOTE = company().quotes_for("cyrillic")[0]


async def triptych(suite: Any, *arguments: str) -> tuple[int, str, str]:
    state = {"TRIPTYCH_STATE": str(Path(suite.runtime.state)), "COLUMNS": "200", "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.host", *arguments, env=os.environ | state,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_an_archived_order_is_shown_found_again_and_cancelled_like_any_other(calm_suite: Any) -> None:
    async with calm_suite.phone(prefer="wait=25") as phone:
        placed = await phone.post("/orders", json={"quoteId": QUOTE.salesforce_id})
        assert placed.status_code == 201, placed.text
        order_id = placed.json()["orderId"]

        code, out, err = await triptych(calm_suite, "flows", "archive", "--dry-run")
        assert (code, err, "No flow is old enough" in out) == (0, "", True)
        code, out, err = await triptych(calm_suite, "flows", "archive", "--older-than", "0s", "--dry-run")
        assert (code, err) == (0, "")
        assert re.search(r"\d+ flows? would go into .*archive", out.replace("\n", ""))
        code, out, err = await triptych(calm_suite, "flows", "archive", "--older-than", "0s")
        assert (code, err, "their keys stay taken" in out) == (0, "", True)

        shown = await phone.get(f"/orders/{order_id}")
        assert (shown.status_code, shown.json()["state"], shown.json()["steps"]) == (
            200, "completed", placed.json()["steps"],
        )  # fmt: skip
        again = await phone.post("/orders", json={"quoteId": QUOTE.salesforce_id})
        assert (again.json()["orderId"], again.json()["erpOrderId"]) == (order_id, placed.json()["erpOrderId"])
        other = {"quoteId": QUOTE.salesforce_id, "purchaseOrder": "another"}
        assert (await phone.post("/orders", json=other)).status_code == 409

        (file,) = (Path(calm_suite.runtime.state) / "archive").glob("flows-*.gz")
        code, out, err = await triptych(calm_suite, "flows", "show", order_id)
        assert not err
        assert (code, err, file.name in out, QUOTE.salesforce_id in out) == (0, "", True, True)
        code, out, err = await triptych(calm_suite, "flows", "show", order_id, "--archive", str(file.parent))
        assert (code, err, "erp.create_order" in out, "completed" in out) == (0, "", True, True)
        code, out, _ = await triptych(calm_suite, "flows", "show", "order-nothing", "--archive", str(file.parent))
        assert (code, "No flow order-nothing" in out) == (1, True)

        headers = {"authorization": f"Bearer {calm_suite.token('order_cancellations')}", "prefer": "wait=25"}
        async with httpx.AsyncClient(headers=headers, timeout=60.0) as desk:
            cancelled = await desk.post(
                f"{calm_suite.edge}/process/order-cancellations/v1/cancellations",
                json={"orderId": order_id, "reason": "The customer called."},
            )
        assert cancelled.json()["state"] == "completed", cancelled.text
        assert (await phone.get(f"/orders/{order_id}")).json()["state"] == "cancelled"
        assert (await phone.post("/orders", json=other)).json()["orderId"] == f"{order_id}.2"


async def test_an_age_that_is_none_is_refused(calm_suite: Any) -> None:
    for age in ("90", "d", "-1d", "1.5d"):
        code, _, err = await triptych(calm_suite, "flows", "archive", "--older-than", age)
        assert (code, "90d" in err) == (2, True)
