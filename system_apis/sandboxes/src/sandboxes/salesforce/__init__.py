"""A stand-in Salesforce org: OAuth, REST, SOQL and the composite family over the seed company.

A connector logs in with the JWT bearer flow as the app `triptych-local` for the user
`integration@tarn-gauge.example`; `SANDBOX_SALESFORCE_PUBLIC_KEY_FILE` names the PEM whose key signs.
"""

from pathlib import Path

from sandboxes.kit import Clock, Sandbox, SandboxApp
from sandboxes.salesforce.controls import controls
from sandboxes.salesforce.doors import Doors
from sandboxes.salesforce.org import Org


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """The org over a database file, or in memory."""
    org = Org(state, clock)
    return SandboxApp(
        Doors(org),
        close=org.store.close,
        reset=org.reset,
        ledger=lambda: {"orders": org.orders(), "returns": org.returns()},
        controls=controls(org),
    )


sandbox = Sandbox(name="salesforce", create=create_app)

__all__ = ["create_app", "sandbox"]
