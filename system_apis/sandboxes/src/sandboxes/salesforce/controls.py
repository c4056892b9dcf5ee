"""Levers that no real org has: what tests and developers may do to this one."""

from typing import Any

import msgspec

from sandboxes.kit import Control
from sandboxes.salesforce.events.disturbance import Disturbance
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.saving import Lock

_MOST_SHOWN = 1_000


def controls(org: Org) -> dict[str, Control]:
    """The control routes of an org, by name below /__sandbox__/."""

    def limits(body: dict[str, Any]) -> object:
        """Set allowances by name, e.g. {"DailyApiRequests": 10}; `used` sets the calls already made."""
        for name, most in body.items():
            if name == "used":
                org.usage.add(int(most) - org.usage.calls)
            elif name in org.usage.allowances:
                org.usage.allowances[name] = int(most)
            else:
                raise ValueError(f"there is no allowance {name}")
        return org.usage.limits()

    def lock_rows(body: dict[str, Any]) -> object:
        """Refuse writes with UNABLE_TO_LOCK_ROW: object (or "*"), id (or any), times, from_others."""
        lock = Lock(str(body.get("object", "*")), str(body.get("id", "")), int(body.get("times", 1)))
        lock.from_others = bool(body.get("from_others"))
        org.saving.locks.append(lock)
        return {"object": lock.sobject, "times": lock.times}

    def unlock_rows(body: dict[str, Any]) -> object:
        """Take back every lock; tells how many writes more they would have refused."""
        del body
        left = sum(lock.times for lock in org.saving.locks)
        org.saving.locks.clear()
        return {"left": left}

    def page_rows(body: dict[str, Any]) -> object:
        """How many rows, and children of a row, a page of an answer has: rows; 0 for as many as usual."""
        org.page_rows = int(body["rows"])
        return {"rows": org.page_rows}

    return {
        "limits": limits,
        "lock-rows": lock_rows,
        "page-rows": page_rows,
        "unlock-rows": unlock_rows,
    }


def schema_controls(org: Org) -> dict[str, Control]:
    """The control routes of the schema, and of who touched what of it."""

    def touched(body: dict[str, Any]) -> object:
        """What has been read and written since the last {"clear": true}, by object."""
        shown = org.touched.shown()
        if body.get("clear"):
            org.touched.clear()
        return shown

    def schema(body: dict[str, Any]) -> object:
        """Hide an object, or a field of it, or `set` facts of the field; nothing takes all of it back."""
        sobject, field = str(body.get("object", "")), str(body.get("field", ""))
        if not sobject:
            org.alterations.take_back()
        elif not field:
            org.alterations.hide_object(sobject)
        elif "set" in body:
            org.alterations.change_field(sobject, field, body["set"])
        else:
            org.alterations.hide_field(sobject, field)
        org.queries.forget()
        org.access.forget()
        return {"object": sobject, "field": field}

    return {"schema": schema, "touched": touched}


def patience_controls(org: Org) -> dict[str, Control]:
    """How long the org takes for what it does beside the requests."""

    def deployments(body: dict[str, Any]) -> object:
        """How long a deployment or retrieval waits before it is done, in seconds."""
        org.deployments.seconds = float(body["seconds"])
        return {"seconds": org.deployments.seconds}

    def datasets(body: dict[str, Any]) -> object:
        """How long an upload to CRM Analytics waits before it is done, in seconds."""
        org.datasets.seconds = float(body["seconds"])
        return {"seconds": org.datasets.seconds}

    return {"datasets": datasets, "deployments": deployments}


def event_controls(org: Org) -> dict[str, Control]:
    """The control routes of the event bus."""

    def gap(body: dict[str, Any]) -> object:
        """Publish a gap event: object, ids, kind (CREATE, UPDATE, DELETE, UNDELETE or OVERFLOW)."""
        sobject = org.catalogue.get(str(body["object"]))
        if sobject is None:
            raise ValueError(f"there is no object {body['object']}")
        kind, ids = str(body.get("kind", "UPDATE")), [str(each) for each in body.get("ids", [])]
        org.changes.origin = ""  # not that of whoever called last
        org.changes.gap(kind, sobject, ids or ["000000000000000AAA"], org.integration_user_id)
        return {"kind": kind, "ids": ids}

    def managed_subscription(body: dict[str, Any]) -> object:
        """Make a managed subscription: name and topic."""
        org.managed.create(str(body["name"]), str(body["topic"]))
        return {"name": body["name"]}

    def change_data_capture(body: dict[str, Any]) -> object:
        """Select the entities whose changes are told: a list of object names."""
        org.changes.selected = {str(each) for each in body["entities"]}
        return {"entities": sorted(org.changes.selected)}

    def keepalive(body: dict[str, Any]) -> object:
        """After how many quiet seconds a Pub/Sub subscriber hears that the line is alive."""
        org.keepalive_seconds = float(body["seconds"])
        return {"seconds": org.keepalive_seconds}

    def events(body: dict[str, Any]) -> object:
        """The payloads of the events that are kept of a topic, e.g. /event/Order_Status__e, oldest first."""
        return [event.payload for event in org.bus.after(0, [str(body["topic"])], _MOST_SHOWN)]

    def forget_events(body: dict[str, Any]) -> object:
        """Drop every event that is kept."""
        del body
        org.bus.forget()
        return {"newest": org.bus.newest()}

    def forget_clients(body: dict[str, Any]) -> object:
        """Let the streaming door forget every client: their next poll is told 403::Unknown client."""
        del body
        org.forgotten += 1
        org.bus.announce()
        return {"times": org.forgotten}

    def pubsub_faults(body: dict[str, Any]) -> object:
        """Let calls of the Pub/Sub API fail: see `Disturbance`; an empty body ends them. Tells what is to come."""
        left = list(org.disturbances)
        org.disturbances[:] = [*left, msgspec.convert(body, Disturbance)] if body else []
        return org.disturbances if body else left

    return {
        "change-data-capture": change_data_capture,
        "events": events,
        "forget-clients": forget_clients,
        "forget-events": forget_events,
        "gap": gap,
        "keepalive": keepalive,
        "managed-subscription": managed_subscription,
        "pubsub-faults": pubsub_faults,
    }
