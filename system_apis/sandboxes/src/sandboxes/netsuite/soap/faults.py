"""SOAP faults: what concerns the whole request, not one record of it."""

from sandboxes.kit import Response
from sandboxes.netsuite.soap.names import SOAP, namespace
from sandboxes.netsuite.soap.writing import XML, text_of


class SoapFault(Exception):  # noqa: N818 - reads as what it is
    """A request fails as a whole.

    Args:
        kind: Element of the detail, e.g. `invalidCredentials`.
        code: E.g. `INVALID_LOGIN_ATTEMPT`.
        message: For people.
    """

    def __init__(self, kind: str, code: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.code, self.message = kind, code, message


def fault_response(fault: SoapFault, version: str) -> Response:
    """HTTP 500 with the fault."""
    uri = namespace(version, "faults")
    body = (
        f'{XML}<soapenv:Envelope xmlns:soapenv="{SOAP}"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>soapenv:Server.userException</faultcode><faultstring>{text_of(fault.message)}</faultstring>"
        f'<detail><platformFaults:{fault.kind}Fault xmlns:platformFaults="{uri}">'
        f"<platformFaults:code>{fault.code}</platformFaults:code>"
        f"<platformFaults:message>{text_of(fault.message)}</platformFaults:message>"
        f"</platformFaults:{fault.kind}Fault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
    return Response(body, 500, media_type="text/xml; charset=utf-8")
