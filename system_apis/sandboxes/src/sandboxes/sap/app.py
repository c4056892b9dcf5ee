"""The S/4HANA stand-in put together: services, state, gateway and control routes."""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sandboxes.company import company
from sandboxes.kit import Clock, SandboxApp, State
from sandboxes.sap.gateway import Credentials, Gateway, asgi_app
from sandboxes.sap.idoc.interface import IdocInterface
from sandboxes.sap.idoc.tables import IDOC_SEARCHED, IDOC_STORE
from sandboxes.sap.oauth2 import TokenServer
from sandboxes.sap.odata_v2.behaviour import Behaviour, Work
from sandboxes.sap.odata_v2.edm import Row, Service, Value
from sandboxes.sap.odata_v2.endpoint import ServiceEndpoint
from sandboxes.sap.odata_v4.endpoint import EndpointV4
from sandboxes.sap.odata_v4.model import ServiceV4
from sandboxes.sap.partners import upkeep
from sandboxes.sap.rfc.node import RfcNode
from sandboxes.sap.sales import billing, credit_memos, customer_returns, deliveries, fulfilment, orders, simulation
from sandboxes.sap.sales.tables import (
    BILLING_RUN_HELD,
    CREDIT_REQUESTS,
    INTERNAL,
    INVOICE_ITEMS,
    LEDGER,
    LOCKS,
    ORDERS,
    PARTNERS,
    RETURNS,
    SEARCHED,
)
from sandboxes.sap.seed.history import seed_history
from sandboxes.sap.seed.materials import seed_materials
from sandboxes.sap.seed.partners import seed_partners
from sandboxes.sap.services import availability_info, credit_blocked
from sandboxes.sap.services.billing_document import BILLING_DOCUMENT
from sandboxes.sap.services.business_partner import BUSINESS_PARTNER
from sandboxes.sap.services.catalog import CATALOG, catalog_rows
from sandboxes.sap.services.credit_account import CREDIT_ACCOUNT
from sandboxes.sap.services.credit_memo_request import CREDIT_MEMO_REQUEST
from sandboxes.sap.services.customer_return import CUSTOMER_RETURN
from sandboxes.sap.services.material_stock import MATERIAL_STOCK
from sandboxes.sap.services.newer import AVAILABILITY_INFO_V4, SALES_ORDER_V4
from sandboxes.sap.services.outbound_delivery import OUTBOUND_DELIVERY
from sandboxes.sap.services.product import PRODUCT
from sandboxes.sap.services.sales_order import SALES_ORDER
from sandboxes.sap.services.sales_order_simulation import SIMULATION
from sandboxes.sap.sessions import Sessions
from sandboxes.sap.storage import Records, schema, table_of

USER = "TRIPTYCH"
_PASSWORD_VARIABLE = "SANDBOX_SAP_PASSWORD"  # noqa: S105 - the name of a variable
_SECRET_VARIABLE = "SANDBOX_SAP_CLIENT_SECRET"  # noqa: S105 - as above
_PARTNER_SHOWN = (
    "BusinessPartner", "Customer", "BusinessPartnerFullName", "BusinessPartnerIDByExtSystem",
    "BusinessPartnerIsBlocked", "IsMarkedForArchiving",
)  # fmt: skip
_STEPS = ("delivery", "goods-issue", "invoice")

SERVICES: Sequence[tuple[Service, Behaviour]] = (
    (SALES_ORDER, orders.BEHAVIOUR),
    (SIMULATION, simulation.BEHAVIOUR),
    (BUSINESS_PARTNER, upkeep.BEHAVIOUR),
    (PRODUCT, Behaviour()),
    (MATERIAL_STOCK, Behaviour()),
    (availability_info.AVAILABILITY_INFO, availability_info.BEHAVIOUR),
    (CREDIT_ACCOUNT, Behaviour()),
    (OUTBOUND_DELIVERY, deliveries.BEHAVIOUR),
    (BILLING_DOCUMENT, billing.BEHAVIOUR),
    (credit_blocked.CREDIT_BLOCKED, credit_blocked.BEHAVIOUR),
    (CUSTOMER_RETURN, customer_returns.BEHAVIOUR),
    (CREDIT_MEMO_REQUEST, credit_memos.BEHAVIOUR),
    (CATALOG, Behaviour()),
)


NEWER: Sequence[tuple[ServiceV4, Behaviour]] = (
    (SALES_ORDER_V4, orders.BEHAVIOUR),
    (AVAILABILITY_INFO_V4, availability_info.BEHAVIOUR),
)


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """The stand-in. Secrets are `sandbox-only` unless the environment says otherwise.

    SANDBOX_SAP_PASSWORD is the password of user TRIPTYCH, SANDBOX_SAP_CLIENT_SECRET that of client TRIPTYCH_OAUTH.
    """
    store = State(state, _ddl(), lambda _: None)
    records, sessions = Records(store.connection), Sessions()
    if not records.count(ORDERS, "1", ()):
        _seeded().backup(store.connection)
    endpoints = [ServiceEndpoint(service, behaviour, records, clock) for service, behaviour in SERVICES]
    tokens = TokenServer(os.environ.get(_SECRET_VARIABLE, "sandbox-only"), USER, clock)
    credentials = Credentials(USER, os.environ.get(_PASSWORD_VARIABLE, "sandbox-only"))
    idocs = IdocInterface(records, store, clock)
    rfc = RfcNode(store, records, clock, USER)
    controls = _Controls(store, records, (sessions, tokens), clock, idocs, rfc)
    nodes = {**idocs.nodes, **rfc.nodes}

    def settle() -> None:
        idocs.settle()
        rfc.settle()

    newer = [EndpointV4(service, behaviour, records, clock) for service, behaviour in NEWER]
    gateway = Gateway(endpoints, store, clock, credentials, sessions, nodes, settle, newer, tokens)
    return SandboxApp(
        asgi_app(gateway),
        close=controls.close,
        reset=controls.reset,
        ledger=controls.ledger,
        controls={
            "lock": controls.lock,
            "unlock": controls.unlock,
            "fulfil": controls.fulfil,
            "billing-run": controls.billing_run,
            "expire-tokens": controls.expire_tokens,
            "rfc-faults": controls.rfc_faults,
            **idocs.controls,
        },
    )


@cache
def _seeded() -> sqlite3.Connection:
    """A seeded database in memory, made once per process and copied from there: a reset takes milliseconds."""
    connection = State(None, _ddl(), lambda _: None).connection
    records, firm = Records(connection), company()
    seed_partners(records, firm)
    seed_materials(records, firm)
    seed_history(records, firm)
    records.add(table_of(CATALOG, "ServiceCollection"), *catalog_rows([service for service, _ in SERVICES]))
    return connection


def _ddl() -> str:
    kept = [service for service, _ in SERVICES if service is not credit_blocked.CREDIT_BLOCKED]
    return schema([*kept, INTERNAL, IDOC_STORE], [*SEARCHED, *IDOC_SEARCHED]) + credit_blocked.VIEW


class _Controls:
    """What the control path may ask of this system."""

    def __init__(
        self,
        state: State,
        records: Records,
        logons: tuple[Sessions, TokenServer],
        clock: Clock,
        idocs: IdocInterface,
        rfc: RfcNode,
    ) -> None:
        self._state, self._records, self._clock = state, records, clock
        self._sessions, self._tokens = logons
        self._idocs, self._rfc = idocs, rfc

    def close(self) -> None:
        """Stop sending and let go of the file."""
        self._idocs.close()
        self._state.close()

    def reset(self) -> None:
        """Back to the seed, nobody logged on."""
        self._sessions.end_all()
        self._tokens.end_all()
        self._idocs.forget()
        self._rfc.reset()
        _seeded().backup(self._state.connection)

    def ledger(self) -> Mapping[str, object]:
        """What was made since the seed, oldest first; an order's state is open, cancelled or deleted."""
        self._idocs.settle()
        rows = self._records.find(LEDGER)
        return {
            "idocs": self._idocs.shown(),
            "partners": [
                {name: row[name] for name in _PARTNER_SHOWN} for row in self._records.find(PARTNERS, CreatedByUser=USER)
            ],
            "returns": [_entry(row, "CustomerReturn") for row in self._records.find(RETURNS)],
            "credits": [
                {**_entry(row, "CreditMemoRequest"), "memos": self._credit_memos(row["CreditMemoRequest"])}
                for row in self._records.find(CREDIT_REQUESTS)
            ],
            "orders": [
                {
                    "SalesOrder": row["SalesOrder"],
                    "PurchaseOrderByCustomer": row["PurchaseOrderByCustomer"],
                    "SoldToParty": row["SoldToParty"],
                    "TotalNetAmount": str(row["TotalNetAmount"]),
                    "TransactionCurrency": row["TransactionCurrency"],
                    "CreatedAt": row["CreatedAt"],
                    "state": row["State"],
                    "cancelled": row["State"] != "open",
                }
                for row in rows
            ],
        }

    def _credit_memos(self, request: Value) -> list[Value]:
        items = self._records.find(INVOICE_ITEMS, SalesDocument=request)
        return sorted({one["BillingDocument"] for one in items}, key=str)

    def lock(self, body: dict[str, Any]) -> object:
        """`{"document": "4000001", "user": "MUELLER"}`: another user has the document open until it is unlocked."""
        with self._state.transaction():
            self._records.remove(LOCKS, Document=str(body["document"]))
            self._records.add(LOCKS, {"Document": str(body["document"]), "User": str(body.get("user", "MUELLER"))})
        return {"locked": str(body["document"])}

    def unlock(self, body: dict[str, Any]) -> object:
        """`{"document": "4000001"}`: the other user leaves the document."""
        with self._state.transaction():
            self._records.remove(LOCKS, Document=str(body["document"]))
        return {"unlocked": str(body["document"])}

    def fulfil(self, body: dict[str, Any]) -> object:
        """`{"order": "4000001", "until": "delivery" | "goods-issue" | "invoice"}`: what follows an order, done now."""
        until = _STEPS.index(body.get("until", "invoice"))
        work = Work(SALES_ORDER, self._records, self._clock.now(), "WAREHOUSE", [])
        with self._state.transaction():
            delivery = fulfilment.deliver(work, str(body["order"]))
            if until > 0:
                fulfilment.issue_goods(work, delivery)
            billed = fulfilment.invoice(work, delivery) if until > 1 else None
        return {"delivery": delivery, "invoice": billed}

    def billing_run(self, body: dict[str, Any]) -> object:
        """`{"held": true}` lets credit memo requests wait for billing; `{}` bills what waits, and all later ones."""
        work = Work(CREDIT_MEMO_REQUEST, self._records, self._clock.now(), "BILLING", [])
        with self._state.transaction():
            self._records.remove(BILLING_RUN_HELD, Kind=credit_memos.CREDITS)
            if body.get("held"):
                self._records.add(BILLING_RUN_HELD, {"Kind": credit_memos.CREDITS})
                return {"billed": []}
            return {"billed": credit_memos.bill_credits(work)}

    def expire_tokens(self, _: dict[str, Any]) -> object:
        """Ends every session and access token, with them every CSRF token and what functions have not committed."""
        self._tokens.end_all()
        self._rfc.contexts.end_all()
        return {"ended": self._sessions.end_all()}

    def rfc_faults(self, body: dict[str, Any]) -> object:
        """`{"status": 200}`: SOAP faults come with this status from now on; `{}` goes back to 500."""
        self._rfc.fault_status = int(body.get("status", 500))
        return {"status": self._rfc.fault_status}


def _entry(row: Row, number: str) -> Mapping[str, object]:
    """A document that follows an order, as the ledger shows it."""
    shown = (number, "PurchaseOrderByCustomer", "ReferenceSDDocument", "TransactionCurrency")
    cancelled = row["OverallSDDocumentRejectionSts"] == "C"
    return {**{name: row[name] for name in shown}, "net": str(row["TotalNetAmount"]), "cancelled": cancelled}
