"""The ICF nodes of RFC: `/sap/bc/soap/rfc`, the newer `/sap/bc/srt/rfc/…`, and the WSDL of both."""

from collections.abc import Mapping

from sandboxes.kit import Clock, Request, Response, State
from sandboxes.sap import icf
from sandboxes.sap.gateway import IcfNode
from sandboxes.sap.rfc import masters, order_reading, ordering, transactions
from sandboxes.sap.rfc.calling import Call, Implementation
from sandboxes.sap.rfc.contexts import COOKIE, Context, Contexts, context_id
from sandboxes.sap.rfc.dictionary import NotConvertible
from sandboxes.sap.rfc.soap import RfcRequest, SoapFault, read_request, write_fault, write_response
from sandboxes.sap.rfc.wsdl import wsdl
from sandboxes.sap.sessions import CLIENT
from sandboxes.sap.storage import Records

_OLDER, _NEWER = "/sap/bc/soap/rfc", "/sap/bc/srt/rfc/"
_WSDLS = ("/sap/bc/soap/wsdl", "/sap/bc/soap/wsdl11")
_XML = "text/xml; charset=utf-8"

_Answer = tuple[Response, tuple[str, ...]]

IMPLEMENTATIONS: Mapping[str, Implementation] = {
    "BAPI_SALESORDER_CREATEFROMDAT2": ordering.create,
    "BAPI_SALESORDER_SIMULATE": ordering.simulate,
    "BAPI_SALESORDER_CHANGE": ordering.change,
    "BAPI_SALESORDER_GETSTATUS": order_reading.status,
    "BAPI_SALESORDER_GETLIST": order_reading.orders_of,
    "BAPISDORDER_GETDETAILEDLIST": order_reading.details,
    "BAPI_MATERIAL_AVAILABILITY": masters.availability,
    "BAPI_CUSTOMER_GETDETAIL2": masters.customer,
    "BAPI_CREDIT_ACCOUNT_GET_STATUS": masters.credit,
    "BAPI_CR_ACC_GETDETAIL": masters.credit_detail,
    "SD_CREDIT_EXPOSURE": masters.exposure,
    "BAPI_TRANSACTION_COMMIT": transactions.commit,
    "BAPI_TRANSACTION_ROLLBACK": transactions.rollback,
}


class RfcNode:
    """Calls function modules for callers that are logged on.

    Attributes:
        contexts: The units of work that are open.
        nodes: Itself, by path.
        fault_status: HTTP status of SOAP faults: 500, or 200 as some stacks answer.
    """

    def __init__(self, state: State, records: Records, clock: Clock, user: str) -> None:
        self._state, self._records, self._clock = state, records, clock
        self.contexts = Contexts(records, user)
        self.nodes: Mapping[str, IcfNode] = dict.fromkeys((_OLDER, _NEWER, *_WSDLS), self.respond)
        self.fault_status = 500

    def settle(self) -> None:
        """End what has been idle too long, with the locks it holds."""
        self.contexts.end_idle(self._clock.timestamp())

    def reset(self) -> None:
        """As after a start."""
        self.contexts.end_all()
        self.fault_status = 500

    def respond(self, request: Request, user: str) -> _Answer:
        """The answer of a function, its WSDL, or a fault."""
        path = request.raw_path.partition("?")[0]
        if path in _WSDLS or (request.method == "GET" and path == _OLDER):
            return self._describe(request), ()
        if request.method != "POST":
            return icf.no_such_path(path), ()
        try:
            return self._call(request, read_request(request.body, newer=path.startswith(_NEWER)), user)
        except SoapFault as fault:
            return self._fault(fault), ()
        except NotConvertible as wrong:
            return self._fault(SoapFault("Server", str(wrong), "CONVERSION_ERROR", "RFC")), ()

    def _call(self, request: Request, call: RfcRequest, user: str) -> _Answer:
        now, cookie = self._clock.timestamp(), request.headers.get("cookie", "")
        context = self.contexts.find(cookie, user, now)
        if context is None and context_id(cookie):
            return icf.session_gone(), ()
        is_new = context is None
        context = context or self.contexts.begin(user, now)
        results = IMPLEMENTATIONS[call.module.name](
            Call(call.given, self._state, self._records, self.contexts, context, self._clock.now())
        )
        cookies = self._keep(call, context, is_new=is_new)
        return Response(write_response(call, results), media_type=_XML), cookies

    def _keep(self, call: RfcRequest, context: Context, *, is_new: bool) -> tuple[str, ...]:
        """Keep the context for the next call, or end it; the cookie that names a new one."""
        if call.keep_session is False or (is_new and not call.keep_session):
            self.contexts.end(context)
            return () if is_new else (f"{COOKIE}=0; expires=Thu, 01-Jan-1970 00:00:00 GMT; path=/sap/bc",)
        self.contexts.keep(context)
        return (f"{COOKIE}={context.id}; path=/sap/bc",) if is_new else ()

    def _describe(self, request: Request) -> Response:
        names = [one.strip().upper() for one in request.query.get("services", "").split(",") if one.strip()]
        if not names or not set(names) <= IMPLEMENTATIONS.keys():
            return icf.no_such_path(request.path)
        address = f"http://{request.headers.get('host', 'localhost')}{_OLDER}?sap-client={CLIENT}"
        return Response(wsdl(names, address), media_type=_XML)

    def _fault(self, fault: SoapFault) -> Response:
        return Response(write_fault(fault), self.fault_status, media_type=_XML)
