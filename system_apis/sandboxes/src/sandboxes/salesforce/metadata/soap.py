"""The Metadata API's SOAP door (Metadata API Developer Guide): POST /services/Soap/m/{version}."""

import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from sandboxes.kit.xml import XmlRefusedError
from sandboxes.salesforce.access.permissions import METADATA
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.metadata.definitions import Component
from sandboxes.salesforce.metadata.kinds import KINDS
from sandboxes.salesforce.metadata.markup import NAMESPACE, Tree, inner, markup, parse, text, tree_of
from sandboxes.salesforce.metadata.refusals import ComponentError
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.sessions import Session

NO_METADATA = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"
_XML = "text/xml;charset=UTF-8"
_PATH = re.compile(r"/services/soap/m/(\d+\.\d)(?:/.*)?", re.IGNORECASE)
_MOST_COMPONENTS, _MOST_QUERIES = 10, 3
_PROLOGUE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="{}" '
    'xmlns="{}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
)
_EPILOGUE = "</soapenv:Body></soapenv:Envelope>"


class SoapFault(Exception):  # noqa: N818 - SOAP's word
    """The call as a whole is refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class MetadataSoap:
    """Answers the Metadata API's calls.

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._operations: dict[str, Callable[[Element, Session], list[str]]] = {
            "createMetadata": self._create,
            "updateMetadata": self._update,
            "upsertMetadata": self._upsert,
            "deleteMetadata": self._delete,
            "readMetadata": self._read,
            "listMetadata": self._list,
            "describeMetadata": self._describe,
            "deploy": self._deploy,
            "checkDeployStatus": self._check_deploy,
            "cancelDeploy": self._cancel,
            "retrieve": self._retrieve,
            "checkRetrieveStatus": self._check_retrieve,
        }

    def answer(self, request: Request) -> Response:
        """The results of one call, or a SOAP fault with HTTP 500."""
        try:
            path = _PATH.fullmatch(request.path)
            if path is None:
                raise SoapFault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")
            called, session = self._called(request)
            self._org.usage.count()
            self._org.changes.origin = f"com/salesforce/api/soap/{path[1]}"
            results = self._operations[called.tag](called, session)
        except (SoapFault, ApiError) as fault:
            return _fault(fault.code, fault.message)
        body = "".join(f"<result>{each}</result>" if not each.startswith("<result") else each for each in results)
        name = f"{called.tag}Response"
        document = _PROLOGUE.format(NAMESPACE, NAMESPACE) + f"<{name}>{body}</{name}>" + _EPILOGUE
        return Response(200, document.encode(), {}, _XML)

    def _called(self, request: Request) -> tuple[Element, Session]:
        try:
            envelope = parse(request.body)
        except XmlRefusedError as error:
            raise SoapFault("UNKNOWN_EXCEPTION", str(error)) from None
        session = self._org.sessions.find((envelope.findtext("Header/SessionHeader/sessionId") or "").strip())
        if session is None:
            message = "Invalid Session ID found in SessionHeader: Illegal Session. Session not found"
            raise SoapFault("INVALID_SESSION_ID", message)
        if not self._org.access.has(session.user_id, *METADATA):
            raise SoapFault("INSUFFICIENT_ACCESS", NO_METADATA)
        called = next(iter(envelope.find("Body") or ()), None)
        if called is None or called.tag not in self._operations:
            raise SoapFault("INVALID_OPERATION", f"No operation available for request {called and called.tag}")
        return called, session

    def _create(self, called: Element, session: Session) -> list[str]:
        create = self._org.definitions.create
        return [self._saved(each, lambda *given: (create(*given), None), session) for each in _components(called)]

    def _update(self, called: Element, session: Session) -> list[str]:
        update = self._org.definitions.update
        return [self._saved(each, lambda *given: (update(*given), None), session) for each in _components(called)]

    def _upsert(self, called: Element, session: Session) -> list[str]:
        return [self._saved(each, self._org.definitions.upsert, session) for each in _components(called)]

    def _saved(self, element: Element, save: Callable[..., tuple[Component, bool | None]], session: Session) -> str:
        kind, body = (element.get("type") or "").rpartition(":")[2], tree_of(element)
        name = text(body, "fullName")
        try:
            if kind not in KINDS:
                raise ComponentError("INVALID_TYPE", f"This type of metadata is not available in this org: {kind}")
            saved, created = save(kind, name, body, session.user_id)
        except ComponentError as refused:
            return _errors(refused) + f"<fullName>{escape(name)}</fullName><success>false</success>"
        told = "" if created is None else f"<created>{str(created).lower()}</created>"
        return told + f"<fullName>{saved.name}</fullName><success>true</success>"

    def _delete(self, called: Element, session: Session) -> list[str]:
        del session
        kind, names = _kind(called, "type"), _names(called)
        return [self._deleted(kind, name) for name in names]

    def _deleted(self, kind: str, name: str) -> str:
        try:
            self._org.definitions.delete(kind, name)
        except ComponentError as refused:
            return _errors(refused) + f"<fullName>{escape(name)}</fullName><success>false</success>"
        return f"<fullName>{escape(name)}</fullName><success>true</success>"

    def _read(self, called: Element, session: Session) -> list[str]:
        del session
        kind = _kind(called, "type")
        found = [self._org.definitions.whole(kind, name) for name in _names(called)]
        records = (
            '<records xsi:nil="true"/>' if each is None else f'<records xsi:type="{kind}">{markup(each)}</records>'
            for each in found
        )
        return ["".join(records)]

    def _list(self, called: Element, session: Session) -> list[str]:
        queries = [each for each in called if each.tag == "queries"]
        if len(queries) > _MOST_QUERIES:
            raise SoapFault(
                "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {_MOST_QUERIES} records"
            )
        user = self._org.user(session.user_id)
        kinds = [_kind(each, "type") for each in queries]
        return [_properties(each, user) for kind in kinds for each in self._org.definitions.every(kind)]

    def _describe(self, called: Element, session: Session) -> list[str]:
        del called, session
        inside = "".join(f"<childXmlNames>{each.name}</childXmlNames>" for each in KINDS.values() if each.within)
        objects = "".join(
            f"<metadataObjects>{inside if each.name == 'CustomObject' else ''}"
            f"<directoryName>{each.directory}</directoryName><inFolder>false</inFolder><metaFile>false</metaFile>"
            f"<suffix>{each.suffix}</suffix><xmlName>{each.name}</xmlName></metadataObjects>"
            for each in KINDS.values()
            if each.directory
        )
        tail = "<organizationNamespace></organizationNamespace><partialSaveAllowed>true</partialSaveAllowed>"
        return [f"{objects}{tail}<testRequired>false</testRequired>"]

    def _deploy(self, called: Element, session: Session) -> list[str]:
        body = tree_of(called)
        options = {name: text(inner(body, "DeployOptions"), name).lower() for name in inner(body, "DeployOptions")}
        made = self._org.deployments.begin_base64(text(body, "ZipFile"), options, session.user_id)
        return [f"<done>false</done><id>{made.id}</id><state>Queued</state>"]

    def _check_deploy(self, called: Element, session: Session) -> list[str]:
        del session
        found = self._org.deployments.find(_id(called))
        return [markup(_texts(found.result(details=(called.findtext("includeDetails") or "").lower() == "true")))]

    def _cancel(self, called: Element, session: Session) -> list[str]:
        found = self._org.deployments.cancel(_id(called, "String"), session.user_id)
        return [f"<done>{str(found.done).lower()}</done><id>{found.id}</id>"]

    def _retrieve(self, called: Element, session: Session) -> list[str]:
        wanted = inner(tree_of(called), "retrieveRequest")
        made = self._org.deployments.begin_retrieve(inner(wanted, "unpackaged"), session.user_id)
        return [f"<done>false</done><id>{made.id}</id><state>Queued</state>"]

    def _check_retrieve(self, called: Element, session: Session) -> list[str]:
        del session
        found = self._org.deployments.find(_id(called), "09S")
        with_zip = (called.findtext("includeZip") or "true").lower() == "true"
        return [markup(_texts(self._org.deployments.retrieved(found, with_zip=with_zip)))]


def _components(called: Element) -> list[Element]:
    found = [each for each in called if each.tag == "metadata"]
    _check_count(len(found))
    return found


def _names(called: Element) -> list[str]:
    names = [(each.text or "").strip() for each in called if each.tag == "fullNames"]
    _check_count(len(names))
    return names


def _check_count(count: int) -> None:
    if count > _MOST_COMPONENTS:
        raise SoapFault(
            "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {_MOST_COMPONENTS} records"
        )


def _kind(element: Element, tag: str) -> str:
    kind = (element.findtext(tag) or "").strip()
    if kind not in KINDS:
        raise SoapFault("INVALID_TYPE", f"INVALID_TYPE: This type of metadata is not available in this org: {kind}")
    return kind


def _id(called: Element, tag: str = "asyncProcessId") -> str:
    return (called.findtext(tag) or called.findtext("asyncProcessId") or "").strip()


def _errors(refused: ComponentError) -> str:
    fields = "".join(f"<fields>{each}</fields>" for each in refused.fields)
    message = f"<message>{escape(refused.message)}</message>"
    return f"<errors>{fields}{message}<statusCode>{refused.code}</statusCode></errors>"


def _properties(component: Component, user: dict[str, Any]) -> str:
    kind = KINDS[component.kind]
    owner = component.name.partition(".")[0]
    folder, suffix = (kind.directory, kind.suffix) if kind.directory else ("objects", "object")
    who = {"createdBy": user, "lastModifiedBy": user}
    facts: Tree = {
        "createdDate": component.created.replace("+0000", "Z"),
        "fileName": f"{folder}/{owner}.{suffix}",
        "fullName": component.name,
        "id": component.id,
        "lastModifiedDate": component.modified.replace("+0000", "Z"),
        "manageableState": "unmanaged",
        "type": component.kind,
    }
    facts |= {f"{role}Id": each["Id"] for role, each in who.items()}
    return markup(facts | {f"{role}Name": each["Name"] for role, each in who.items()})


def _texts(result: dict[str, Any]) -> Tree:
    """JSON values as the text of XML; what is null or an empty list is left out."""
    shown: Tree = {}
    for name, value in result.items():
        if isinstance(value, dict):
            shown[name] = _texts(value)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, list):
            shown[name] = [_texts(each) for each in value]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        elif value is not None:
            shown[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return shown


def _fault(code: str, message: str) -> Response:
    document = (
        _PROLOGUE.format(NAMESPACE, NAMESPACE)
        + f"<soapenv:Fault><faultcode>sf:{code}</faultcode>"
        + f"<faultstring>{code}: {escape(message)}</faultstring></soapenv:Fault>"
        + _EPILOGUE
    )
    return Response(500, document.encode(), {}, _XML)
