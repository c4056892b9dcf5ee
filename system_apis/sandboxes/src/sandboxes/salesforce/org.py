"""The org: everything the doors share."""
# ruff: noqa: S608 - names come from the catalogue, values travel as parameters

import os
from pathlib import Path

from sandboxes.kit import Clock
from sandboxes.salesforce.access import Access
from sandboxes.salesforce.access.events import EventRights
from sandboxes.salesforce.alterations import Alterations
from sandboxes.salesforce.analytics import Datasets
from sandboxes.salesforce.async_api.work import AsyncApi
from sandboxes.salesforce.bulk import Bulk
from sandboxes.salesforce.events import Bus, Changes
from sandboxes.salesforce.events.channels import Channels
from sandboxes.salesforce.events.disturbance import Disturbance
from sandboxes.salesforce.events.generic import GenericChannels
from sandboxes.salesforce.events.managed import ManagedSubscriptions
from sandboxes.salesforce.events.push_topics import PushTopics
from sandboxes.salesforce.metadata.definitions import Definitions
from sandboxes.salesforce.metadata.deployments import Deployments
from sandboxes.salesforce.metadata.markup import parse, tree_of
from sandboxes.salesforce.metadata.tooling import Tooling
from sandboxes.salesforce.oauth.codes import Codes
from sandboxes.salesforce.oauth.devices import Devices
from sandboxes.salesforce.oauth.signing import SigningKey
from sandboxes.salesforce.org_identity import OrgIdentity
from sandboxes.salesforce.saving import Saving
from sandboxes.salesforce.schema import Catalogue, load_catalogue
from sandboxes.salesforce.seed import INTEGRATION_USERNAME, READER_USER_ID, Seed
from sandboxes.salesforce.sessions import ConnectedApp, ConnectedApps, Sessions
from sandboxes.salesforce.soql.execution import Queries
from sandboxes.salesforce.storage import Row, Store
from sandboxes.salesforce.touched import Touched
from sandboxes.salesforce.usage import Usage

PUBLIC_KEY_FILE = "SANDBOX_SALESFORCE_PUBLIC_KEY_FILE"
"""Environment variable: path of a PEM public key or certificate that signs for the app triptych-local."""
DEVELOPMENT_APP = "triptych-local"
DEVELOPMENT_SECRET = "triptych-local-secret"  # noqa: S105 - opens nothing but this sandbox
DEVELOPMENT_CALLBACK = "http://localhost:1717/OauthRedirect"
PASSWORD = "sandbox-password"  # noqa: S105 - every user's
SECURITY_TOKEN = "sandbox-token"  # noqa: S105 - every user's
MY_DOMAIN = "https://tarn-gauge.my.salesforce.com"


READER_PERMISSION_SET = "Product_Catalog_Reader"
KEEPALIVE_SECONDS = 270.0
"""After so long without events a Pub/Sub subscriber is told that the line is alive."""


class Org:
    """One org: its records, schema, users, sessions and allowances.

    Args:
        state: The database file, or None for memory.
        clock: What time it is here.
        name: Empty for the first org of this process; see `OrgIdentity`.
    """

    def __init__(self, state: Path | None, clock: Clock, name: str = "") -> None:
        self.clock, self.identity = clock, OrgIdentity(name)
        self.id = self.identity.organization_id
        self._everything = load_catalogue()
        self.store = Store(state, self._everything, self.identity.seeding(Seed(self._everything)))
        self.touched = Touched()
        self.alterations = Alterations(self._everything)
        self.access = Access(self.store, self._everything)
        self.queries = Queries(self.store, self._everything, clock, self.touched)
        self.queries.access = self.access
        self.usage = Usage(clock)
        self.bus = Bus(self.store, self.usage, clock)
        self.changes = Changes(self.store, self.bus, clock)
        self.channels = Channels(self._everything, self.changes)
        self.topics = PushTopics(self.store, self._everything, self.bus, self.queries, clock)
        self.generic = GenericChannels(self.store, self.bus, clock)
        self.event_rights = EventRights(self.access, self.channels, self.topics, self.generic)
        self.managed = ManagedSubscriptions(self.store)
        self.keepalive_seconds = KEEPALIVE_SECONDS
        self.disturbances: list[Disturbance] = []
        """What is to go wrong in the Pub/Sub API."""
        self.forgotten = 0
        """How often the streaming door was told to forget its clients."""
        self.page_rows = 0  # rows of a page, whatever the client asks for, as orgs decide for large rows; 0 as asked
        self.saving = Saving(self.store, self._everything, clock, self.bus, self.changes, self.touched)
        self.saving.topics = self.topics
        self.saving.access = self.access
        self.saving.pod = self.identity.pod
        self.definitions = Definitions(
            self.store, self._everything, self.changes, self.channels, self.queries, self.saving, clock
        )
        self.tooling = Tooling(self.definitions, clock)
        self.datasets = Datasets(self.store, self.catalogue, clock)
        self.deployments = Deployments(self.store, self.definitions, clock)
        self.bulk = Bulk(self.store, self._everything, self.queries, self.saving, self.changes, clock)
        self.async_api = AsyncApi(self.store, self._everything, self.queries, self.saving, self.changes, clock)
        self.sessions = Sessions(clock, self.id)
        key_file = os.environ.get(PUBLIC_KEY_FILE)
        self.codes, self.devices = Codes(clock), Devices(clock)
        self.signing = SigningKey()
        self.password_flow = True
        development = ConnectedApp(
            DEVELOPMENT_APP,
            DEVELOPMENT_SECRET,
            self.identity.username(INTEGRATION_USERNAME),
            [],
            callbacks=[DEVELOPMENT_CALLBACK],
        )
        self.apps = ConnectedApps([development], Path(key_file) if key_file else None)
        self._begin()

    def _begin(self) -> None:
        """Give the least of the users the one permission set that the org begins with."""
        if self.definitions.find("PermissionSet", READER_PERMISSION_SET) is None:
            document = (Path(__file__).parent / "access" / "product_catalog_reader.permissionset").read_bytes()
            body = tree_of(parse(document))
            self.definitions.upsert("PermissionSet", READER_PERMISSION_SET, body, self.integration_user_id)
            self.access.assign(self.identity.own(READER_USER_ID), READER_PERMISSION_SET)

    @property
    def catalogue(self) -> Catalogue:
        """The objects and fields there are for whoever a call is served for; all of them for the org itself."""
        return self.access.catalogue

    def user_named(self, username: str) -> Row | None:
        """The user with this username."""
        user = self._everything.sobjects["user"]
        rows = self.store.find(user, user.fields["username"], username)
        return rows[0] if rows else None

    @property
    def integration_user_id(self) -> str:
        """The user that connectors act for."""
        return str((self.user_named(self.identity.username(INTEGRATION_USERNAME)) or {})["Id"])

    def user(self, user_id: str) -> Row:
        """The user with this id."""
        return self.store.fetch(self._everything.sobjects["user"], user_id) or {}

    def reset(self) -> None:
        """Back to the seed; connected apps and sessions stay, so that clients go on."""
        self.alterations.take_back()
        self.queries.forget()
        self.touched.clear()
        self.definitions.clear()
        self.store.reset()
        self.saving.forget()
        self.saving.duplicates.prepare()
        self._begin()
        self.usage.reset()
        self.saving.locks.clear()
        self.disturbances.clear()
        self.page_rows = 0

    def orders(self) -> list[dict[str, object]]:
        """Every order created here, oldest first, for the ledger."""
        names = (
            "Id", "External_Order_Id__c", "ERP_Order_Number__c", "Status", "Fulfilment_Status__c", "AccountId",
            "QuoteId",
        )  # fmt: skip
        columns = ", ".join(f'"{name}"' for name in names)
        rows = self.store.select(f'SELECT {columns} FROM "Order" WHERE "IsDeleted" = 0 ORDER BY rowid')
        return [dict(zip(names, row, strict=True)) for row in rows]

    def returns(self) -> list[dict[str, object]]:
        """Every return order created here, oldest first, for the ledger."""
        names = ("Id", "External_Return_Id__c", "ERP_Return_Number__c", "Status", "OrderId", "Credit_Memo_Number__c")
        columns = ", ".join(f'"{name}"' for name in names)
        rows = self.store.select(f'SELECT {columns} FROM "ReturnOrder" WHERE "IsDeleted" = 0 ORDER BY rowid')
        return [dict(zip(names, row, strict=True)) for row in rows]
