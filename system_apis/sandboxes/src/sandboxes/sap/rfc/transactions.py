"""BAPI_TRANSACTION_COMMIT and BAPI_TRANSACTION_ROLLBACK."""

from collections.abc import Mapping

from sandboxes.sap.odata_v2.errors import ODataError
from sandboxes.sap.rfc.calling import Call
from sandboxes.sap.rfc.dictionary import Value
from sandboxes.sap.rfc.returned import bapiret2
from sandboxes.sap.sales.tables import LOCKS


def commit(call: Call) -> Mapping[str, Value]:
    """Do all that waits in the context, or none of it. Without anything waiting it succeeds too."""
    context = call.context
    try:
        with call.state.transaction():
            for document in context.held:
                call.records.remove(LOCKS, Document=document, User=context.user)
            for work in context.waiting:
                work(call.work())
    except ODataError as refused:
        call.contexts.forget(context)
        return {"RETURN": {**bapiret2(refused.message), "TYPE": "A"}}
    context.held.clear()
    context.waiting.clear()
    return {}


def rollback(call: Call) -> Mapping[str, Value]:
    """Forget all that waits."""
    call.contexts.forget(call.context)
    return {}
