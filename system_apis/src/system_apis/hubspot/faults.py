"""What HubSpot's refusals mean (developers.hubspot.com, "Error handling", "API usage guidelines and limits")."""

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from shared.contracts.system.marketing import ContactNotFound
from shared.resilience.outbound_faults import problem_of_status, retry_after_of
from shared.resilience.wire import WireReply
from system_apis.hubspot.records import FaultRecord, PartFaultRecord

NAME = "hubspot"
ANSWERS_UNTIL = 300
_UNTIL_TOMORROW = 3600.0
"""Seconds to wait before asking again once the day's calls are spent: HubSpot does not say when its day ends."""
_REASONS = {
    "INVALID_EMAIL": "HubSpot takes this for no e-mail address; correct it.",
    "PROPERTY_DOESNT_EXIST": "HubSpot has no such property; make it there.",
    "VALUE_TOO_LONG": "A value is longer than HubSpot keeps; shorten it.",
}


def problem_of(reply: WireReply) -> Problem | None:
    """What a reply means whatever was asked. 400, 404 and 409 depend on that, and pass as answers."""
    status = reply.status
    if status < ANSWERS_UNTIL or status in (400, 404, 409):
        return None
    if status == 429:  # noqa: PLR2004 - HTTP
        return _spent(reply)
    if status == 403:  # noqa: PLR2004 - HTTP
        return BackendFault("hubspot refuses this to our private app; give the app the scopes it lacks.")
    if status >= 500 or status in (408, 423, 477):  # noqa: PLR2004 - 423 and 477: locked, and being migrated
        return BackendUnavailable(f"hubspot answered {status}.", retry_after=retry_after_of(reply))
    problem = problem_of_status(reply, NAME)
    if isinstance(problem, BackendFault):
        return problem
    return BackendFault(f"hubspot answered {status} to a request of ours.")


def unexpected(reply: WireReply) -> Problem:
    """What a 400, 404 or 409 means that no caller could have brought about."""
    code = code_of(fault_of(reply).message)
    told = f" ({_REASONS[code]})" if code in _REASONS else ""
    return BackendFault(f"hubspot answered {reply.status} to a request of ours{told}.")


def no_contact(contact_id: str) -> ContactNotFound:
    """Nobody has this id."""
    return ContactNotFound(f"There is no contact {contact_id}; look the person up by e-mail address.")


def fault_of(reply: WireReply) -> FaultRecord:
    """The error in a reply, as far as it can be read."""
    try:
        return msgspec.json.decode(reply.body, type=FaultRecord)
    except msgspec.DecodeError:
        return FaultRecord()


def reason_of(fault: PartFaultRecord) -> str:
    """Why one of a batch was refused. HubSpot's own message quotes the values, so it is not passed on."""
    code = code_of(fault.message)
    if code in _REASONS:
        return _REASONS[code]
    if fault.category == "CONFLICT":
        return "Another contact has this e-mail address; look that one up."
    return "HubSpot refused it; correct its values."


def code_of(message: str) -> str:
    """The code of a refused property, which HubSpot packs as JSON into its message; empty if there is none."""
    return next((code for code in _REASONS if f'"{code}"' in message), "")


def _spent(reply: WireReply) -> Problem:
    policy = fault_of(reply).policy_name
    if policy == "DAILY":
        return QuotaExceeded("hubspot has no calls left for us today.", retry_after=_UNTIL_TOMORROW)
    told = retry_after_of(reply)
    milliseconds = reply.headers.get("x-hubspot-ratelimit-interval-milliseconds") or ""
    if told is None:
        told = int(milliseconds) / 1000 if milliseconds.isdecimal() and "TEN" in policy else 1.0
    return QuotaExceeded("hubspot has no calls left for us at the moment.", retry_after=told)
