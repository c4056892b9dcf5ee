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
}  # fmt: skip


def struck(disturbances: list[Disturbance], call: str) -> bool:
    """Whether this call, or this message of a stream, is to fail by its stream ending; raises Refusal to refuse it."""
    found = next((each for each in disturbances if each.strikes(call)), None)
    if found is None:
        return False
    if found.times == 0:
        disturbances.remove(found)
    if found.fault == "end":
        return True
    raise Refusal(*_REFUSALS[found.fault])
