"""Pushing texts into generic streaming channels (Streaming API Developer Guide, "Streaming Channel Push")."""

from typing import Annotated

import msgspec

from sandboxes.salesforce.faults import json_error
from sandboxes.salesforce.http import Response
from sandboxes.salesforce.ids import to_18
from sandboxes.salesforce.rest import Call, Route


class _Push(msgspec.Struct, rename="camel"):
    payload: str
    user_ids: list[str] = []


class _Pushes(msgspec.Struct, rename="camel"):
    push_events: Annotated[list[_Push], msgspec.Meta(min_length=1)]


def _push(call: Call) -> Response:
    call.params["type"] = "StreamingChannel"
    call.org.access.demand("Create", call.sobject, call.session.user_id)
    row = call.org.saving.existing(call.sobject, call.params["id"])
    try:
        sent = msgspec.convert(call.request.json_object(), _Pushes)
    except msgspec.ValidationError as error:
        raise json_error(f"Cannot read pushEvents: {error}") from None
    generic = call.org.generic
    return Response(200, [generic.push(row["Name"], each.payload, _ids(each)) for each in sent.push_events])


def _ids(push: _Push) -> list[str]:
    return [to_18(each) or each for each in push.user_ids]


ROUTES = (Route("POST", "sobjects/streamingchannel/{id}/push", _push),)
