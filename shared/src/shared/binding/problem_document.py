"""`application/problem+json`: a problem's extensions stand beside its standard members (RFC 9457 §3.2).

Inside another document (`FlowProgress.problem`) and in the journal a problem is a `ProblemDetails` as declared, with
its extensions in a member of their own.
"""

from typing import Any

import msgspec

from shared.binding.problems import ProblemDetails

STANDARD_MEMBERS = frozenset(field.encode_name for field in msgspec.structs.fields(ProblemDetails)) - {"extensions"}


def write_problem(details: ProblemDetails) -> bytes:
    """The document for the wire. An extension cannot take the place of a standard member."""
    if not details.extensions:
        return msgspec.json.encode(details)
    members: dict[str, Any] = msgspec.to_builtins(details)
    return msgspec.json.encode(members.pop("extensions") | members)


def read_problem(document: bytes) -> ProblemDetails:
    """What such a document says; raises msgspec.MsgspecError when it is none."""
    members = msgspec.json.decode(document, type=dict[str, Any])
    others = [name for name in members if name not in STANDARD_MEMBERS]  # in their order, so that peers agree on it
    extensions = {name: members.pop(name) for name in others}
    return msgspec.convert(members | {"extensions": extensions}, ProblemDetails)
