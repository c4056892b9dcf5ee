"""How functions are called: a port, and SOAP-RFC behind it.

No native RFC server is free to run, and the native client needs SAP's licensed library; so SOAP. A native transport
would be another class here and nothing else.
"""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from shared.binding.problems import BackendFault
from shared.resilience.credentials import Credentials
from shared.resilience.outbound import Backend, Outbound
from shared.resilience.wire import WireReply
from system_apis.sap.bapi.answer import Answer, Tree
from system_apis.sap.bapi.faults import problem_of
from system_apis.sap.bapi.soap import Fault, NotSoap, read_answer, write_call
from system_apis.sap.faults import NAME
from system_apis.sap.settings import SapSettings

Parameters: TypeAlias = Mapping[str, Tree]
"""Imports and tables by SAP's names; an empty table asks for that table back."""


class RfcSession(Protocol):
    """A session of the system's own: what its calls write waits there for a COMMIT."""

    @property
    def is_open(self) -> bool:
        """Whether SAP keeps it, so that it can be rolled back."""
        ...

    async def call(
        self, function: str, parameters: Parameters, *, operation: str, last: bool = False, repeatable: bool = False
    ) -> Answer:
        """Call a function in this session; `last` ends the session with it.

        Raises:
            Problem: As `RfcTransport.call`.
        """
        ...


class RfcTransport(Protocol):
    """Calls function modules of one system."""

    async def call(self, function: str, parameters: Parameters, *, operation: str) -> Answer:
        """Call a function that changes nothing, in a session that ends with it.

        Raises:
            Problem: There was no answer. What a function refuses is in its answer.
        """
        ...

    def session(self) -> RfcSession:
        """A session of its own, begun by its first call."""
        ...


class SoapRfc:
    """Implements `RfcTransport` over `/sap/bc/soap/rfc` or a binding of the newer runtime.

    Args:
        settings: `[backends.sap]`.
        outbound: Makes the backend with its policies.
        logon: Says who we are.
    """

    def __init__(self, settings: SapSettings, outbound: Outbound, logon: Credentials) -> None:
        self._path = f"{settings.bapi.path}?sap-client={settings.client}&sap-language={settings.language}"
        self._action = settings.bapi.soap_action
        self._backend: Backend = outbound.backend(f"{NAME} RFC", settings, credentials=logon, classify=problem_of)

    async def call(self, function: str, parameters: Parameters, *, operation: str) -> Answer:
        """One request, repeated where it got no answer."""
        reply = await self.post(function, write_call(function, parameters, keep_session=None), {}, operation, True)
        return _answer(reply)

    def session(self) -> "SoapSession":
        """One that SAP opens with its first call."""
        return SoapSession(self)

    async def post(
        self, function: str, body: bytes, cookies: Mapping[str, str], operation: str, repeatable: bool
    ) -> WireReply:
        """Send an envelope with a session's cookies."""
        headers = {
            "accept": "text/xml",
            "content-type": "text/xml; charset=utf-8",
            "soapaction": f'"{self._action.replace("{function}", function)}"',
        }
        if cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return await self._backend.send(
            "POST", self._path, headers=headers, body=body, operation=operation, repeatable=repeatable
        )


class SoapSession:
    """Implements `RfcSession` by the `enableSession` header and the `sap-contextid` cookie.

    Args:
        rfc: Where to call.
    """

    def __init__(self, rfc: SoapRfc) -> None:
        self._rfc = rfc
        self._cookies: dict[str, str] = {}

    @property
    def is_open(self) -> bool:
        """Whether SAP handed out the cookie that names it."""
        return "sap-contextid" in self._cookies

    async def call(
        self, function: str, parameters: Parameters, *, operation: str, last: bool = False, repeatable: bool = False
    ) -> Answer:
        """One request with the session's cookies; SAP may hand out more with every answer."""
        body = write_call(function, parameters, keep_session=not last)
        reply = await self._rfc.post(function, body, self._cookies, operation, repeatable)
        for cookie in reply.headers.every("set-cookie"):
            name, _, value = cookie.partition(";")[0].strip().partition("=")
            self._cookies[name] = value
        return _answer(reply)


def _answer(reply: WireReply) -> Answer:
    try:
        return read_answer(reply.body)
    except (Fault, NotSoap):
        raise BackendFault("SAP answered something else than the function's answer.") from None
