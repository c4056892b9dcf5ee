"""A service at its path: the WSDL for GET, results or faults for POST."""

from sandboxes.kit import Request, Response
from sandboxes.oracle.area import PlainEndpoint
from sandboxes.oracle.framework.declare import Work
from sandboxes.oracle.soap.declare import Service, SoapRefusal
from sandboxes.oracle.soap.envelope import answer, called, fault
from sandboxes.oracle.soap.wsdl import wsdl

_XML = "text/xml; charset=UTF-8"


def endpoints(service: Service) -> tuple[tuple[str, str, PlainEndpoint], ...]:
    """What an area lists for a service."""

    def described(work: Work, request: Request) -> Response:
        del work
        address = f"http://{request.headers.get('host', 'localhost')}{service.path}"
        return Response(wsdl(service, address), media_type=_XML)

    def answered(work: Work, request: Request) -> Response:
        connection = work.records.connection
        connection.execute("SAVEPOINT soap")
        try:
            operation, arguments = called(service, request.body)
            document = answer(service, operation, operation.act(work, arguments))
        except SoapRefusal as refusal:
            connection.execute("ROLLBACK TO soap")
            return Response(fault(refusal), 500, media_type=_XML)
        finally:
            connection.execute("RELEASE soap")
        return Response(document, media_type=_XML)

    return (("GET", service.path, described), ("POST", service.path, answered))
