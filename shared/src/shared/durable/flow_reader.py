"""Reads flows out of the journal as people see them."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.problems import InternalFault
from shared.durable.codec import PayloadCodec, open_claim
from shared.durable.flow import FlowShape
from shared.durable.flow_view import FlowView, flow_view
from shared.durable.journal import Claim
from shared.durable.recorded import encode_problem

_contexts = msgspec.json.Decoder(CallContext)


class FlowReader:
    """Opens payloads and shows flows; what cannot be opened is shown without them.

    Args:
        shapes: Code by kind: what it returns.
        codec: Opens payloads.
        clock: Unix seconds.
    """

    def __init__(
        self, shapes: Mapping[str, FlowShape[Any, Any]], codec: PayloadCodec, clock: Callable[[], float]
    ) -> None:
        self._shapes = shapes
        self._codec = codec
        self._clock = clock

    def opened(self, claim: Claim) -> Claim:
        """With readable payloads, or with none where they cannot be opened: an operator must still see the flow."""
        try:
            return open_claim(claim, self._codec)
        except ValueError:
            problem = encode_problem(InternalFault("What this flow holds cannot be opened; bring its key back."))
            kept = msgspec.json.encode(CallContext())
            flow = msgspec.structs.replace(claim.flow, request=b"null", context=kept, result=None, problem=problem)
            return Claim(flow, tuple(msgspec.structs.replace(s, arguments=b"{}", outcome=b"") for s in claim.steps))

    def show(self, claim: Claim, under_way: Mapping[int, tuple[str, float]] | None = None) -> FlowView[Any]:
        """A flow with readable payloads, and the steps being attempted now."""
        flow = claim.flow
        context = _contexts.decode(flow.context)
        result = None
        if flow.result is not None:
            shape = self._shapes.get(flow.kind)
            result = shape.result.decode(flow.result) if shape else msgspec.json.decode(flow.result)
        return flow_view(claim, context, result, self._clock(), under_way or {})
