"""Bad days of the Pub/Sub API, on request: calls that are refused, streams that break off."""

from grpc import StatusCode

from sandboxes.salesforce.events.disturbance import Disturbance
from sandboxes.salesforce.pubsub.refusals import Refusal

_REFUSALS = {
    "unavailable": (StatusCode.UNAVAILABLE, "service.unavailable", "The service is temporarily unavailable."),
    "unauthenticated": (StatusCode.UNAUTHENTICATED, "service.auth.error", "The access token is expired."),
    "limit": (StatusCode.RESOURCE_EXHAUSTED, "subscription.limit.exceeded", "The limit of events is exceeded."),
    "corrupted": (
        StatusCode.INVALID_ARGUMENT, "subscription.fetch.replayid.corrupted", "The replay_id cannot be read."
    ),
    "expired": (
        StatusCode.INVALID_ARGUMENT, "subscription.fetch.replayid.validation.failed",
        "The Replay ID validation failed. Ensure that the Replay ID is valid.",
    ),
    "internal": (StatusCode.INTERNAL, "", "Received RST_STREAM with error code 2"),
    "unknown": (StatusCode.UNKNOWN, "", "Received http2 header with status: 200 and content-type: text/html"),
}  # fmt: skip


def struck(disturbances: list[Disturbance], call: str) -> str:
    """What is to happen to this call, or this message of a stream, if anything; raises Refusal to refuse it."""
    found = next((each for each in disturbances if each.strikes(call)), None)
    if found is None:
        return ""
    if found.times == 0:
        disturbances.remove(found)
    if found.fault in _REFUSALS:
        raise Refusal(*_REFUSALS[found.fault])
    return found.fault
