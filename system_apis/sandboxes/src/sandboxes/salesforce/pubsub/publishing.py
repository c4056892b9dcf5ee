"""Publishing over Pub/Sub: each event is saved as every door saves it, and gets a result of its own."""

from typing import Any
from uuid import uuid4

from sandboxes.salesforce.events.avro import event_schema
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.pubsub.messages import pb
from sandboxes.salesforce.pubsub.payloads import decoded
from sandboxes.salesforce.pubsub.refusals import forbidden, invalid, unknown_topic
from sandboxes.salesforce.pubsub.subscribing import replay_bytes
from sandboxes.salesforce.schema import SObject

_MOST_EVENT_BYTES = 1_048_576
_PUBLISH = 1


class Publishing:
    """Publishes for one org.

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def publish(self, request: Any, user_id: str) -> Any:
        """The results of a PublishRequest, in its order.

        Raises:
            Refusal: There is nothing to publish, or nothing may be published there.
        """
        sobject = self._org.channels.sobject(request.topic_name)
        if sobject is None:
            raise unknown_topic(request.topic_name)
        if not sobject.event:
            message = f"{request.topic_name} cannot be published to."
            raise invalid("topic.meta.permission", message)
        if not self._org.event_rights.may_publish(sobject, user_id):
            raise forbidden(request.topic_name, "publish to")
        if not request.events:
            raise invalid("publish.event.count.invalid", "A request holds at least one event.")
        self._org.usage.add(1)
        results = [self._one(sobject, event, user_id) for event in request.events]
        return pb.PublishResponse(results=results, schema_id=event_schema(sobject)["uuid"], rpc_id=str(uuid4()))

    def _one(self, sobject: SObject, event: Any, user_id: str) -> Any:
        schema = event_schema(sobject)
        try:
            if event.schema_id != schema["uuid"]:
                raise ValueError(f"{event.schema_id} is not the schema of {sobject.name}")
            if len(event.payload) > _MOST_EVENT_BYTES:
                raise ValueError(f"An event may have at most {_MOST_EVENT_BYTES} bytes")
            body = decoded(event.payload, schema, sobject)
            record_id = self._org.saving.create(sobject, body, user_id)
        except (ValueError, ApiError) as refused:
            error = pb.Error(code=_PUBLISH, msg=str(refused))
            return pb.PublishResult(error=error, correlation_key=event.id)
        return pb.PublishResult(replay_id=replay_bytes(self._org.bus.replay_of(record_id)), correlation_key=event.id)
