"""What Shopify's refusals mean (shopify.dev, "Status and error codes"): most come with status 200."""

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from shared.resilience.outbound_faults import problem_of_status, retry_after_of
from shared.resilience.wire import WireReply
from system_apis.shopify.records import Envelope

NAME = "shopify"
_OK = 200
_envelopes = msgspec.json.Decoder(Envelope)
_AT_LEAST = 0.1
"""Seconds to wait after THROTTLED, however little was lacking."""


def envelope_of(reply: WireReply) -> Envelope:
    """An answer of the GraphQL endpoint.

    Raises:
        BackendFault: It is none.
    """
    try:
        return _envelopes.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BackendFault(f"shopify answered {reply.status} with a body of another shape than agreed.") from None


def problem_of(reply: WireReply) -> Problem | None:
    """What a reply means whatever was asked; None for an answer."""
    status = reply.status
    if status == _OK:
        return _problem_in(envelope_of(reply))
    if status in (402, 403, 404, 423):
        return BackendFault(f"shopify answered {status}; check the shop's address, its state and our app's access.")
    if status >= 500 or status == 430:  # noqa: PLR2004 - 430: Shopify's security rejection
        return BackendUnavailable(f"shopify answered {status}.", retry_after=retry_after_of(reply))
    problem = problem_of_status(reply, NAME)
    if isinstance(problem, QuotaExceeded | BackendUnavailable | BackendFault):
        return problem
    return BackendFault(f"shopify answered {status} to a request of ours.")


def _problem_in(envelope: Envelope) -> Problem | None:
    if not envelope.errors:
        return None
    codes = {fault.extensions.code for fault in envelope.errors} if isinstance(envelope.errors, list) else {""}
    if "THROTTLED" in codes:
        return _throttled(envelope)
    if "ACCESS_DENIED" in codes:
        return BackendFault("shopify refuses this to our app; give the app the access scopes it lacks.")
    if codes & {"INTERNAL_SERVER_ERROR", "TIMEOUT"}:
        return BackendUnavailable("shopify could not answer.")
    return BackendFault("shopify does not understand a request of ours; check the API version in the settings.")


def _throttled(envelope: Envelope) -> Problem:
    cost = envelope.extensions.cost
    if cost is None or cost.throttle_status.restore_rate <= 0:
        return QuotaExceeded("The shop's query budget is spent.", retry_after=1.0)
    status = cost.throttle_status
    if cost.requested_query_cost > status.maximum_available:
        return BackendFault("shopify takes no query as dear as this; ask for smaller pages.")
    lacking = cost.requested_query_cost - status.currently_available
    return QuotaExceeded("The shop's query budget is spent.", retry_after=max(lacking / status.restore_rate, _AT_LEAST))
