"""What the control path may ask of the account: other people's work, and what was made since the seed."""

from collections.abc import Mapping
from typing import Any

from sandboxes.kit import Control
from sandboxes.netsuite.account import Account
from sandboxes.netsuite.records.store import Document
from sandboxes.netsuite.refusals import Refusal
from sandboxes.netsuite.rules.fulfilment import SHIPPED
from sandboxes.netsuite.schema import RECORD_TYPES

_STEPS = ("delivery", "goods-issue", "invoice")
_SHOWN = {
    "orders": (
        "salesOrder",
        (
            "id",
            "tranId",
            "externalId",
            "otherRefNum",
            "entity",
            "subtotal",
            "total",
            "currency",
            "status",
            "createdDate",
        ),
    ),
    "returns": ("returnAuthorization", ("id", "tranId", "externalId", "createdFrom", "subtotal", "currency", "status")),
    "credits": ("creditMemo", ("id", "tranId", "externalId", "createdFrom", "subtotal", "currency", "status")),
    "customers": ("customer", ("id", "entityId", "externalId", "companyName", "isInactive", "creditHoldOverride")),
}


class Controls:
    """Control routes of the account, and its ledger."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._seeded = self._last_ids()

    def routes(self) -> Mapping[str, Control]:
        """By name."""
        return {
            "certificate": self._certificate,
            "contend": self._contend,
            "customer": self._customer,
            "expire-tokens": lambda _: {"ended": self._account.tokens.expire()},
            "fulfil": self._fulfil,
        }

    def ledger(self) -> Mapping[str, object]:
        """What was made since the seed, oldest first; `cancelled` is an order that is cancelled or closed unshipped."""
        return {name: self._made(kind, fields) for name, (kind, fields) in _SHOWN.items()}

    def _made(self, kind: str, fields: tuple[str, ...]) -> list[Document]:
        first = self._seeded.get(RECORD_TYPES[kind].numbers, 0)
        made = [one for one in self._account.records.every(kind) if int(one["id"]) > first]
        return [
            {name: one[name] for name in fields if name in one}
            | ({"cancelled": one["status"] in ("C", "H")} if "status" in one else {})
            for one in made
        ]

    def _certificate(self, body: dict[str, Any]) -> object:
        """`{"certificate_id": "…", "public_key": "PEM"}`: what the set-up page of machine-to-machine sign-in does."""
        self._account.credentials.add(str(body["certificate_id"]), str(body["public_key"]))
        return {"certificate_id": body["certificate_id"]}

    def _contend(self, body: dict[str, Any]) -> object:
        """`{"times": 1}`: people save records just before the next changes do, which are refused."""
        self._account.saving.contended = int(body.get("times", 1))
        return {"times": self._account.saving.contended}

    def _customer(self, body: dict[str, Any]) -> object:
        """`{"entityId": "10100001", "creditHoldOverride": "ON", …}`: somebody in accounts changes a customer."""
        changes = {name: value for name, value in body.items() if name != "entityId"}
        with self._account.state.transaction():
            found = self._account.records.named("customer", "entityId", str(body["entityId"]))
            if found is None:
                raise ValueError(f"There is no customer {body['entityId']}.")
            self._account.records.put("customer", {**found, **changes})
        return {"changed": found["id"]}

    def _fulfil(self, body: dict[str, Any]) -> object:
        """`{"order": id or number, "until": "delivery" | "goods-issue" | "invoice"}`: what follows an order, now."""
        until = _STEPS.index(body.get("until", "invoice"))
        types, saving = RECORD_TYPES, self._account.saving
        try:
            with self._account.state.transaction():
                order = self._order(str(body["order"]))
                shipped: Document = {"shipStatus": SHIPPED if until else "A"}
                made = saving.transform(types["salesOrder"], order, types["itemFulfillment"], shipped)
                billed = saving.transform(types["salesOrder"], order, types["invoice"], {}) if until > 1 else None
        except Refusal as refused:
            raise ValueError(refused.detail) from None
        return {"delivery": made, "invoice": billed}

    def _order(self, name: str) -> str:
        records = self._account.records
        found = (
            records.get("salesOrder", name)
            or records.named("salesOrder", "tranId", name)
            or records.by_external_id("salesOrder", name)
        )
        if found is None:
            raise ValueError(f"There is no sales order {name}.")
        return str(found["id"])

    def _last_ids(self) -> dict[str, int]:
        rows = self._account.state.connection.execute("SELECT name, seeded FROM seeded_sequence").fetchall()
        return {str(row[0]): int(row[1]) for row in rows}
