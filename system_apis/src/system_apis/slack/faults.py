"""What Slack's errors mean. It says no with 200, `ok` false and a code."""

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from shared.contracts.system.notifications import ChannelClosed
from shared.resilience.outbound_faults import problem_of_status, retry_after_of
from shared.resilience.wire import WireReply
from system_apis.slack.records import OutcomeRecord

NAME = "slack"

_CLOSED = frozenset({
    "channel_not_found", "not_in_channel", "is_archived", "restricted_action", "restricted_action_read_only_channel",
    "restricted_action_thread_only_channel", "channel_is_limited_access",
})  # fmt: skip
_SPENT = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_CREDENTIALS = frozenset({
    "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "not_allowed_token_type", "no_permission", "access_denied",
})  # fmt: skip
_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_OUTCOME = msgspec.json.Decoder(OutcomeRecord)


def problem_of_reply(reply: WireReply) -> Problem | None:
    """What a reply means whatever was asked; None for an answer, and for what its reader will not understand."""
    if problem := problem_of_status(reply, NAME):
        if isinstance(problem, QuotaExceeded | BackendUnavailable | BackendFault):
            return problem
        return BackendFault(f"slack answered {reply.status} to a request of ours.")
    try:
        outcome = _OUTCOME.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if outcome.ok else problem_of_error(outcome.error, retry_after_of(reply))


def problem_of_error(error: str, retry_after: float | None = None) -> Problem:
    """What a code means."""
    if error in _CLOSED:
        return ChannelClosed(f"slack does not let our app into this channel ({error}); invite it, or choose another.")
    if error in _SPENT:
        return QuotaExceeded("slack wants fewer requests.", retry_after=retry_after)
    if error in _PASSING:
        return BackendUnavailable(f"slack could not do it just now ({error}).", retry_after=retry_after)
    if error in _CREDENTIALS:
        return BackendFault("slack does not accept our token, or it lacks a scope; look at the app's installation.")
    code = error[:64] if error.replace("_", "").isalnum() else "an unreadable code"
    return BackendFault(f"slack refused a request of ours with {code}.")
