"""What replies mean that are no answer of a function: faults (status 500, on some stacks 200), pages, logon."""

from shared.binding.problems import BackendFault, BackendUnavailable, Problem
from shared.resilience.outbound_faults import problem_of_status
from shared.resilience.wire import WireReply
from system_apis.sap.bapi.soap import Fault, NotSoap, read_answer
from system_apis.sap.faults import NAME

_PASSING = frozenset({"SYSTEM_FAILURE", "COMMUNICATION_FAILURE", "RESOURCE_FAILURE"})
"""Exceptions of the RFC runtime, not of a function."""


def problem_of(reply: WireReply) -> Problem | None:
    """The problem of a reply, or None if it is a function's answer."""
    if reply.status == 200 and b"Fault>" not in reply.body and b"Envelope" in reply.body:  # noqa: PLR2004 - OK
        return None
    try:
        read_answer(reply.body)
    except Fault as fault:
        return _of_fault(fault)
    except NotSoap as other:
        return _of_status(reply, str(other))
    return None


def _of_fault(fault: Fault) -> Problem:
    known = {"exception": fault.name} if fault.name else {}
    if fault.code == "Server" and (not fault.name or fault.name in _PASSING):
        return BackendUnavailable("SAP could not carry out the function just now.", extensions=known)
    return BackendFault(
        "SAP does not call the function as asked; check that our user may call it, its interface, and "
        "[backends.sap.bapi].",
        extensions=known,
    )


def _of_status(reply: WireReply, instead: str) -> Problem | None:
    match reply.status:
        case 200:
            return BackendFault(f"SAP answered {instead} instead of SOAP; check path of [backends.sap.bapi].")
        case 400:
            return BackendUnavailable("SAP does not know our session any more; nothing it held was committed.")
        case 401:
            return BackendFault("SAP refuses our credentials; check username and password of [backends.sap].")
        case 403:
            return BackendFault("SAP forbids our user to call functions, or their service is not active (SICF).")
        case 404:
            return BackendFault("SAP calls no functions at this address; check path of [backends.sap.bapi].")
        case status if status >= 500:  # noqa: PLR2004 - server errors (RFC 9110 §15.6)
            return BackendUnavailable(f"{NAME} answered {status}.")
        case _:
            return problem_of_status(reply, NAME)
