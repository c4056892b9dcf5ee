"""What the stand-in backends say of themselves: what stands in each, and which calls came."""

import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import httpx

from shared.durable.endangered.reckoning import CallId, Reckoning, Tally
from shared.host.proof.findings import ProofFailed

_HTTP = ("salesforce", "sap", "easypost")
_MOST_REQUESTS = 10_000
WRITES = {
    "sap": ("erp.create_order", "erp.cancel_order"),
    "salesforce": ("crm.record_order", "crm.cancel_order"),
    "easypost": ("logistics.get_rates", "logistics.purchase_label", "logistics.refund_label"),
}
"""Operations that change something, by the backend whose request log knows of their calls."""

_COUNTED = "warehouse.reserve"  # a database keeps no log of requests: a trigger counts attempts to reserve
_WATCH = """
CREATE TABLE IF NOT EXISTS attempted (reference TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS watch_reservations BEFORE INSERT ON reservation
BEGIN INSERT INTO attempted VALUES (NEW.reference); END;
"""


class StandIns:
    """The stand-in backends of one lane.

    Args:
        addresses: By name.
        http: Asks them.
    """

    def __init__(self, addresses: dict[str, str], http: httpx.AsyncClient) -> None:
        self._http = http
        self._addresses = {name: addresses[name] for name in _HTTP}
        self._warehouse = addresses["warehouse"].removeprefix("sqlite://")
        self._fresh = f"{self._warehouse}.fresh"
        with closing(sqlite3.connect(self._warehouse)) as database:
            database.executescript(_WATCH)
        _copy(self._warehouse, self._fresh)

    async def reset(self) -> None:
        """Every backend as it was seeded."""
        for url in self._addresses.values():
            (await self._http.post(f"{url}/__sandbox__/reset")).raise_for_status()
        _copy(self._fresh, self._warehouse)

    async def books(self) -> dict[str, Counter[str]]:
        """What stands in each backend, by the reference of the order."""
        ledgers = {name: await self._ask(name, "ledger") for name in _HTTP}
        with closing(sqlite3.connect(self._warehouse)) as database:
            held = database.execute("SELECT reference FROM reservation WHERE status IN ('active', 'fulfilled')")
            reserved = Counter[str](reference for (reference,) in held)
        return {
            "sap": Counter(o["PurchaseOrderByCustomer"] for o in ledgers["sap"]["orders"] if not o["cancelled"]),
            "salesforce": Counter(
                o["External_Order_Id__c"]
                for o in ledgers["salesforce"]["orders"]
                if o["Fulfilment_Status__c"] != "Cancelled"
            ),
            "easypost": Counter(p["reference"] for p in ledgers["easypost"]["purchases"] if not p["refund_status"]),
            "warehouse": reserved,
        }

    async def calls(self, reckoning: Reckoning) -> dict[str, Tally]:
        """Compare the calls that had to be made with those that came, by operation."""
        tallies: dict[str, Tally] = {}
        for name, operations in WRITES.items():
            tallies.update(reckoning.reconcile(await self._arrived(name), operations))
        with closing(sqlite3.connect(self._warehouse)) as database:
            counted = Counter[str](reference for (reference,) in database.execute("SELECT reference FROM attempted"))
        tallies[_COUNTED] = reckoning.reconcile_counts(_COUNTED, counted)
        return tallies

    async def _arrived(self, name: str) -> set[CallId]:
        """The calls to which this backend's requests belong, by the span that each came from."""
        log = await self._ask(name, f"requests?limit={_MOST_REQUESTS}")
        if log["total"] >= _MOST_REQUESTS:
            raise ProofFailed(f"The stand-in {name} remembers only its last {_MOST_REQUESTS:,} requests.")
        spans = [each["span_id"] for each in log["requests"] if not each["path"].endswith("/oauth2/token")]
        return {(int(span[:6], 16), int(span[6:10], 16)) for span in spans if span}

    async def _ask(self, name: str, what: str) -> Any:
        return (await self._http.get(f"{self._addresses[name]}/__sandbox__/{what}")).raise_for_status().json()


def _copy(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as write:
        read.backup(write)
