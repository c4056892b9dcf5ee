"""What Marketo's refusals mean (experienceleague.adobe.com, "Error codes"): 200 with `success` false and a number."""

import time
from collections.abc import Callable, Sequence

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from shared.contracts.system.marketing import ContactNotFound
from shared.resilience.outbound_faults import problem_of_status, retry_after_of
from shared.resilience.wire import WireReply
from system_apis.marketo.records import OutcomeRecord, ReasonRecord

NAME = "marketo"
_MISSING = frozenset({"702", "1004"})
_TOKEN_ENDED = frozenset({"601", "602"})
_RATE, _DAILY, _AT_ONCE = "606", "607", "615"
_PASSING = frozenset({"502", "604", "608", "611", "614", "713", "719"})
_WINDOW = 20.0
"""Seconds over which Marketo counts calls."""
_DAY = 86_400
_DAY_BEGINS = 6 * 3600
"""Seconds from midnight UTC to midnight in the zone that Marketo's day follows, UTC-6."""
_REASONS = {
    "1001": "A value is not of the kind that Marketo keeps there; correct it.",
    "1003": "Marketo refused its values; correct them. It takes ASCII characters only in an e-mail address.",
    "1007": "Several people have this e-mail address in Marketo; merge them there.",
    "1008": "Our user has no access to the partition of this person; give it access.",
    "1010": "The person is in another partition.",
}
_OUTCOME = msgspec.json.Decoder(OutcomeRecord)


def problem_of_reply(reply: WireReply, clock: Callable[[], float] = time.time) -> Problem | None:
    """What a reply means whatever was asked; None for an answer, and for what its reader will not understand."""
    if problem := problem_of_status(reply, NAME):
        if isinstance(problem, QuotaExceeded | BackendUnavailable | BackendFault):
            return problem
        return BackendFault(f"{NAME} answered {reply.status} to a request of ours.")
    error = _error(reply)
    return None if error is None else problem_of_code(error.code, retry_after_of(reply), clock)


def problem_of_code(code: str, retry_after: float | None, clock: Callable[[], float]) -> Problem:
    """What the number of a refused request means."""
    if code == _RATE:
        return QuotaExceeded(
            f"{NAME} has no calls left for us in these 20 seconds.", retry_after=retry_after or _WINDOW
        )
    if code == _DAILY:
        left = _DAY - (clock() - _DAY_BEGINS) % _DAY
        return QuotaExceeded(f"{NAME} has no calls left for us today.", retry_after=left)
    if code == _AT_ONCE:
        return QuotaExceeded(f"{NAME} is answering as many calls as it takes at once.", retry_after=retry_after or 1.0)
    if code in _PASSING:
        return BackendUnavailable(f"{NAME} could not do it just now ({code}).", retry_after=retry_after)
    if code in _TOKEN_ENDED or code == "600":
        return BackendFault(f"{NAME} does not accept our credentials.")
    if code == "603":
        return BackendFault(f"{NAME} refuses this to our user; give its role the permissions it lacks, or its address.")
    told = code if code.isdecimal() else "an unreadable code"
    return BackendFault(f"{NAME} refused a request of ours with {told}.")


def problem_unless_missing(reply: WireReply) -> Problem | None:
    """As `problem_of_reply`, but that there is no such record is an answer."""
    error = _error(reply)
    return None if error is not None and error.code in _MISSING else problem_of_reply(reply)


def is_missing(reasons: Sequence[ReasonRecord]) -> bool:
    """Whether one of a batch was refused because its person is not there."""
    return any(reason.code in _MISSING for reason in reasons)


def problem_of_sign_in(reply: WireReply) -> Problem | None:
    """What a reply of the identity endpoint means."""
    if reply.status in (400, 401, 403):
        return BackendFault(f"{NAME} gives our service no token; compare client_id and client_secret with LaunchPoint.")
    return problem_of_reply(reply)


def is_token_ended(reply: WireReply) -> bool:
    """Whether a request was not carried out because its token is no longer good."""
    error = _error(reply)
    return error is not None and error.code in _TOKEN_ENDED


def no_contact(contact_id: str) -> ContactNotFound:
    """Nobody has this id."""
    return ContactNotFound(f"There is no contact {contact_id}; look the person up by e-mail address.")


def reason_of(reasons: Sequence[ReasonRecord]) -> str:
    """Why one of a batch was refused. Marketo's own sentences quote the values, so they are not passed on."""
    code = reasons[0].code if reasons else ""
    told = f" ({code})" if code.isdecimal() else ""
    return _REASONS.get(code, f"Marketo refused it{told}; correct its values.")


def _error(reply: WireReply) -> ReasonRecord | None:
    """The first error of a request that was not carried out."""
    try:
        outcome = _OUTCOME.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if outcome.success:
        return None
    return outcome.errors[0] if outcome.errors else ReasonRecord()
