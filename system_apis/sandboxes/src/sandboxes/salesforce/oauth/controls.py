"""Levers over who gets in."""

from typing import Any

from sandboxes.kit import Control
from sandboxes.salesforce.org import Org


def login_controls(org: Org) -> dict[str, Control]:
    """The control routes of apps, logins and sessions."""

    def expire_tokens(body: dict[str, Any]) -> object:
        """End every session; refresh tokens and connected apps stay."""
        del body
        return {"expired": org.sessions.expire_all()}

    def connected_apps(body: dict[str, Any]) -> object:
        """Let an app in, or change it.

        Takes client_id, and any of client_secret, run_as (username), public_key (PEM), callbacks (list of URLs),
        public (needs no secret), rotates (refresh tokens are good for one use).
        """
        names = ("client_secret", "run_as", "callbacks", "public", "rotates")
        facts = {name: body[name] for name in names if name in body}
        org.apps.register(str(body["client_id"]), str(body.get("public_key", "")), **facts)
        return {"client_id": body["client_id"]}

    def approvals(body: dict[str, Any]) -> object:
        """What a person does in a browser: user_code, username, and decision (approve or deny)."""
        approve = {"approve": True, "deny": False}[str(body.get("decision", "approve"))]
        user = org.user_named(str(body["username"]))
        if user is None or not org.devices.decide(str(body["user_code"]), user["Id"], approve=approve):
            raise ValueError("there is no such user, or no device waits under this user_code")
        return {"user_code": body["user_code"]}

    def login_policies(body: dict[str, Any]) -> object:
        """What the org allows: username_password, off in new orgs."""
        org.password_flow = bool(body["username_password"])
        return {"username_password": org.password_flow}

    def session_life(body: dict[str, Any]) -> object:
        """How long an unused session lives, in seconds."""
        org.sessions.seconds = float(body["seconds"])
        return {"seconds": org.sessions.seconds}

    return {
        "approvals": approvals,
        "connected-apps": connected_apps,
        "expire-tokens": expire_tokens,
        "login-policies": login_policies,
        "session-life": session_life,
    }
