"""Where IDocs come in: plain XML, which answers with a page and no number, and SOAP, which is exactly-once."""

from html import escape
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape as xml_escape

from sandboxes.kit import Request, Response
from sandboxes.sap.idoc.document import NotAnIdoc, parse, read
from sandboxes.sap.idoc.inbox import Inbox
from sandboxes.sap.idoc.store import IdocStore
from sandboxes.sap.idoc.wsdl import ONCE, SEVERAL, wsdl
from sandboxes.sap.sales.fields import text

PLAIN, SOAP = "/sap/bc/idoc_xml", "/sap/bc/srt/idoc"
_MESSAGE_ID = "urn:sap.com:msgid="
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_HTML, _XML = "text/html; charset=utf-8", "text/xml; charset=utf-8"
Answer = tuple[Response, tuple[str, ...]]


class Doors:
    """Both doors.

    Attributes:
        locked: ARCKEYs whose first message is still being taken in, as far as the control path says so.
    """

    def __init__(self, inbox: Inbox, store: IdocStore) -> None:
        self.locked: set[str] = set()
        self._inbox, self._store = inbox, store

    def plain(self, request: Request, user: str) -> Answer:
        """`POST /sap/bc/idoc_xml`: any number of IDocs; the same file twice makes two."""
        if request.method != "POST":
            return _page(405, "Method not allowed", "Send IDocs with POST"), ()
        try:
            idocs = read(parse(request.body))
        except NotAnIdoc as fault:
            return _page(500, "IDoc-XML-inbound error", str(fault)), ()
        self._inbox.accept(idocs, user)
        return _page(200, "IDoc-XML-inbound ok", "IDoc-XML-inbound ok"), ()

    def soap(self, request: Request, user: str) -> Answer:
        """`POST /sap/bc/srt/idoc`: one IDoc, once for each ARCKEY; `GET …?wsdl` describes it."""
        if request.method == "GET" and "wsdl" in request.query_string.lower():
            return Response(wsdl(f"http://{request.headers.get('host', 'localhost')}{SOAP}"), media_type=_XML), ()
        if request.method != "POST":
            return _page(405, "Method not allowed", "Send a SOAP message with POST"), ()
        try:
            message = _body(parse(request.body))
            idocs = read(message)
        except NotAnIdoc as fault:
            return _fault(str(fault)), ()
        namespace, _, name = message.tag.lstrip("{").rpartition("}")
        if namespace == SEVERAL:
            taken = [(one.below[0].get("DOCNUM"), self._inbox.accept([one], user)[0]) for one in idocs]
            return _assigned(namespace, name, taken), ()
        if namespace != ONCE:
            return _fault(f"Namespace {namespace} is not one of IDoc messages"), ()
        control = idocs[0].below[0]
        if reason := self._refusal(len(idocs), control.get("ARCKEY")):
            return _fault("IDoc was not taken in", reason), ()
        known = self._store.with_key(control.get("ARCKEY"))
        docnum = text(known, "DOCNUM") if known else self._inbox.accept(idocs, user)[0]
        return _assigned(namespace, name, [(control.get("DOCNUM"), docnum)]), ()

    def _refusal(self, count: int, key: str) -> str | None:
        if count > 1:
            return "MULTIPLE_IDOCS_NOT_ALLOWED"
        if not key:
            return "SOAP_MSGID_INITIAL"
        if not key.startswith(_MESSAGE_ID):
            return "SOAP_MSGID_PREFIX_INVALID"
        return "MSGID_LOCKED" if key in self.locked else None


def _body(root: ET.Element) -> ET.Element:
    body = root.find(f"{{{_ENVELOPE}}}Body")
    if root.tag != f"{{{_ENVELOPE}}}Envelope" or body is None or len(body) != 1:
        raise NotAnIdoc("No SOAP 1.1 envelope with one message in its body")
    return body[0]


def _assigned(namespace: str, name: str, taken: list[tuple[str, str]]) -> Response:
    assigned = "".join(
        f"<AssignMessage><TransferId>{xml_escape(theirs)}</TransferId><DbId>{ours}</DbId></AssignMessage>"
        for theirs, ours in taken
    )
    return _soap(200, f'<n:{name}.Response xmlns:n="{namespace}">{assigned}</n:{name}.Response>')


def _fault(sentence: str, reason: str = "") -> Response:
    detail = (
        f'<detail><e:IDoc.Exception xmlns:e="{ONCE}"><ID>EA</ID><Number>728</Number><Reason>{reason}</Reason>'
        "</e:IDoc.Exception></detail>"
        if reason
        else ""
    )
    said = f"EA728 {sentence}: {reason}" if reason else sentence
    return _soap(
        500,
        f"<soap-env:Fault><faultcode>soap-env:Client</faultcode>"
        f"<faultstring>{xml_escape(said)}</faultstring>{detail}</soap-env:Fault>",
    )


def _soap(status: int, inner: str) -> Response:
    body = f'<soap-env:Envelope xmlns:soap-env="{_ENVELOPE}"><soap-env:Body>{inner}</soap-env:Body></soap-env:Envelope>'
    return Response(body, status, media_type=_XML)


def _page(status: int, title: str, sentence: str) -> Response:
    page = f"<html><head><title>{escape(title)}</title></head><body><h1>{escape(sentence)}</h1></body></html>"
    return Response(page, status, media_type=_HTML)
