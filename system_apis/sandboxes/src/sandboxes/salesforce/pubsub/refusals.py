"""How the Pub/Sub API refuses: a gRPC status, and the code clients key on in a trailer."""

from typing import Any, NoReturn
from uuid import uuid4

from grpc import StatusCode
from grpc.aio import ServicerContext

_CODES = "sfdc.platform.eventbus.grpc."
Context = ServicerContext[Any, Any]


class Refusal(Exception):  # noqa: N818 - the word for it here
    """A call that is refused: status, code below `sfdc.platform.eventbus.grpc.`, sentence."""

    def __init__(self, status: StatusCode, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


async def refuse(context: Context, refusal: Refusal) -> NoReturn:
    """End the call with this refusal."""
    rpc_id = str(uuid4())
    trailer = (("error-code", _CODES + refusal.code), ("rpcid", rpc_id))
    await context.abort(refusal.status, f"{refusal.message} rpcId: {rpc_id}", trailer)


def invalid(code: str, message: str) -> Refusal:
    """INVALID_ARGUMENT."""
    return Refusal(StatusCode.INVALID_ARGUMENT, code, message)


def forbidden(name: str, act: str) -> Refusal:
    """PERMISSION_DENIED: the user may not."""
    message = f"The user does not have the permission to {act} the topic {name}."
    return Refusal(StatusCode.PERMISSION_DENIED, "topic.meta.permission", message)


def unknown_topic(name: str) -> Refusal:
    """NOT_FOUND: no such topic."""
    return Refusal(
        StatusCode.NOT_FOUND, "topic.not.found", f"The topic {name} was not found. Confirm that the topic exists."
    )
