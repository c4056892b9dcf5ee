"""A stand-in Salesforce org: OAuth, REST, SOQL, composite, bulk and events over the seed company.

A connector logs in with the JWT bearer flow as the app `triptych-local` for the user
`integration@tarn-gauge.example`; `SANDBOX_SALESFORCE_PUBLIC_KEY_FILE` names the PEM whose key signs. The Pub/Sub
API listens on a port of its own (`salesforce-pubsub`), over TLS under a certificate that lies beside the database.
"""

from pathlib import Path

from sandboxes.kit import Clock, Sandbox, SandboxApp
from sandboxes.salesforce.access.controls import access_controls
from sandboxes.salesforce.controls import controls, event_controls, patience_controls, schema_controls
from sandboxes.salesforce.doors import Doors
from sandboxes.salesforce.oauth.controls import login_controls
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.pubsub.listening import PubSubDoor


def create_app(state: Path | None, clock: Clock, name: str = "") -> SandboxApp:
    """The org over a database file, or in memory; with a name one more, beside the first."""
    org = Org(state, clock, name)
    pubsub = PubSubDoor(org, state)
    levers = login_controls(org) | access_controls(org) | controls(org) | event_controls(org)
    levers |= schema_controls(org) | patience_controls(org)
    return SandboxApp(
        Doors(org),
        close=org.store.close,
        reset=org.reset,
        ledger=lambda: {"orders": org.orders(), "returns": org.returns()},
        beside={"pubsub": pubsub.listening},
        controls=levers | {"pubsub": pubsub.told},
    )


sandbox = Sandbox(name="salesforce", create=create_app, create_named=create_app)

__all__ = ["create_app", "sandbox"]
