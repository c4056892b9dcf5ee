"""One OData service: a request below its root in, a response out, whether it came alone or in a batch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, unquote, urlencode

from sandboxes.kit import Clock, Response
from sandboxes.sap.odata_v2 import atom_format, json_format, writing
from sandboxes.sap.odata_v2.behaviour import Behaviour, Node, Payload, Work
from sandboxes.sap.odata_v2.edm import FunctionImport, Service, Value
from sandboxes.sap.odata_v2.errors import (
    METHOD_REFUSED,
    PRECONDITION,
    Message,
    ODataError,
    error_json,
    error_xml,
    refuse,
    sap_message,
)
from sandboxes.sap.odata_v2.expression import parse_literal
from sandboxes.sap.odata_v2.metadata import metadata_document
from sandboxes.sap.odata_v2.primitives import to_text
from sandboxes.sap.odata_v2.query import Query, Shape, parse_query
from sandboxes.sap.odata_v2.reading import count_rows, etag_of, read_entity, read_page
from sandboxes.sap.odata_v2.resource import Resource, address, entity_of, no_segment, resolve
from sandboxes.sap.storage import Records

WRITES = frozenset({"POST", "PUT", "PATCH", "MERGE", "DELETE"})
_XML = "application/xml;charset=utf-8"
_JSON = "application/json;charset=utf-8"


@dataclass(frozen=True, slots=True)
class Inbound:
    """A request below a service root: path (percent-encoded, no leading slash), query string, headers in lower case."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    origin: str  # scheme and authority, for absolute URIs
    user: str

    @property
    def options(self) -> dict[str, str]:
        """The query options."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def wants_json(self) -> bool:
        """Whether the answer is JSON: asked for by `$format` or, without it, by Accept."""
        asked = self.options.get("$format")
        return asked == "json" if asked else "application/json" in self.headers.get("accept", "")


class ServiceEndpoint:
    """Answers the requests of one service. Writes run inside the caller's transaction."""

    def __init__(self, service: Service, behaviour: Behaviour, records: Records, clock: Clock) -> None:
        self.service = service
        self._behaviour, self._records, self._clock = behaviour, records, clock
        self._metadata = metadata_document(service)

    def answer(self, inbound: Inbound) -> Response:
        """The response to a request.

        Raises:
            ODataError: it is refused; the caller undoes its writes and renders the error with `render_error`.
        """
        path = unquote(inbound.path).strip("/")
        if path == "$metadata":
            return self._document(inbound, self._metadata, _XML)
        if not path:
            return self._service_document(inbound)
        function = self.service.functions.get(path.partition("(")[0])
        if function is not None:
            return self._call(function, inbound)
        resource = resolve(path, self.service, self._records)
        match inbound.method:
            case "GET" | "HEAD":
                return self._read(resource, inbound)
            case "POST":
                return self._create(resource, inbound)
            case "PUT" | "PATCH" | "MERGE":
                return self._update(resource, inbound)
            case "DELETE":
                return self._delete(resource, inbound)
            case _:
                raise _method_refused(inbound.method)

    def render_error(self, error: ODataError, inbound: Inbound) -> Response:
        """The error in the encoding the client asked for."""
        now = self._clock.now()
        if inbound.wants_json:
            return _versioned(error_json(error, self.service, now), error.status, _JSON, error.headers)
        return _versioned(error_xml(error, self.service, now), error.status, _XML, error.headers)

    def _document(self, inbound: Inbound, content: bytes, media_type: str) -> Response:
        if inbound.method not in {"GET", "HEAD"}:
            raise _method_refused(inbound.method)
        return _versioned(content, 200, media_type)

    def _service_document(self, inbound: Inbound) -> Response:
        if inbound.wants_json:
            return self._document(inbound, json_format.service_document_json(self.service), _JSON)
        root = inbound.origin + self.service.root
        return self._document(
            inbound, atom_format.service_document_xml(self.service, root), "application/atomsvc+xml;charset=utf-8"
        )

    def _read(self, resource: Resource, inbound: Inbound) -> Response:
        query = parse_query(inbound.options, self.service, resource.set)
        if resource.count:
            return _versioned(
                str(count_rows(resource, query, self.service, self._records)).encode(), 200, "text/plain;charset=utf-8"
            )
        if resource.prop:
            return self._read_property(resource, inbound)
        if resource.single:
            node = read_entity(resource, query.shape, self.service, self._records)
            etag = etag_of(node.set, node.row)
            if etag and inbound.headers.get("if-none-match") in {etag, "*"}:
                return Response(status=304, headers={"etag": etag})
            return self._entity(node, query.shape, inbound)
        return self._collection(resource, query, inbound)

    def _read_property(self, resource: Resource, inbound: Inbound) -> Response:
        prop = resource.prop
        row = entity_of(resource, self.service, self._records)
        if prop is None:
            raise no_segment(resource.set.name)
        value = row[prop.name]
        if resource.raw:
            return _versioned((to_text(prop, value) or "").encode(), 200, "text/plain;charset=utf-8")
        if inbound.wants_json:
            return _versioned(json_format.property_json(prop, value), 200, _JSON)
        return _versioned(atom_format.property_xml(prop, value), 200, _XML)

    def _collection(self, resource: Resource, query: Query, inbound: Inbound) -> Response:
        page = read_page(resource, query, self.service, self._records)
        root = inbound.origin + self.service.root
        following = None
        if page.next_token is not None:
            options = inbound.options | {"$skiptoken": str(page.next_token)}
            following = f"{root}/{inbound.path.strip('/')}?{urlencode(options, quote_via=quote, safe='$')}"
        if inbound.wants_json:
            body = json_format.collection_json(page.nodes, query.shape, self.service, root, page.count, following)
            return _versioned(body, 200, _JSON)
        now = self._clock.now()
        body = atom_format.collection_atom(
            page.nodes, query.shape, self.service, root, now, resource.set.name, page.count, following
        )
        return _versioned(body, 200, "application/atom+xml;type=feed;charset=utf-8")

    def _entity(self, node: Node, shape: Shape, inbound: Inbound, status: int = 200) -> Response:
        root = inbound.origin + self.service.root
        etag = etag_of(node.set, node.row)
        headers = {"etag": etag} if etag else {}
        if inbound.wants_json:
            return _versioned(json_format.entity_json(node, shape, self.service, root), status, _JSON, headers)
        body = atom_format.entity_atom(node, shape, self.service, root, self._clock.now())
        return _versioned(body, status, "application/atom+xml;type=entry;charset=utf-8", headers)

    def _create(self, resource: Resource, inbound: Inbound) -> Response:
        if resource.single or resource.prop or resource.count:
            raise _method_refused(inbound.method)
        payload = self._payload(resource, inbound)
        if resource.over is not None:
            payload = writing.with_parent(payload, resource.equal, resource.set)
        work = self._work(inbound)
        node = writing.create(work, self._behaviour, resource.set, payload)
        shape = _shape_of(payload)
        if shape.expand and not node.links:
            stored = Resource(node.set, work.table(node.set.name).key_of(node.row), single=True)
            node = read_entity(stored, shape, self.service, self._records)
        response = self._entity(node, shape, inbound, 201)
        response.headers["location"] = f"{inbound.origin}{self.service.root}/{address(node.set, node.row)}"
        return _with_remarks(response, work.remarks)

    def _update(self, resource: Resource, inbound: Inbound) -> Response:
        if not resource.single or resource.prop or resource.count:
            raise _method_refused(inbound.method)
        old = entity_of(resource, self.service, self._records)
        _check_precondition(etag_of(resource.set, old), inbound)
        payload = self._payload(resource, inbound)
        if payload.children:
            raise refuse(
                400,
                "/IWBEP/CM_MGW_RT/090",
                "Deep update is not supported; update the dependent entities at their own set",
            )
        work = self._work(inbound)
        writing.update(work, self._behaviour, resource.set, old, payload.values, whole=inbound.method == "PUT")
        response = Response(status=204, headers={"dataserviceversion": "2.0"})
        found = self._records.get(work.table(resource.set.name), **work.table(resource.set.name).key_of(old))
        if found and (etag := etag_of(resource.set, found)):
            response.headers["etag"] = etag
        return _with_remarks(response, work.remarks)

    def _delete(self, resource: Resource, inbound: Inbound) -> Response:
        if not resource.single or resource.prop or resource.count:
            raise _method_refused(inbound.method)
        row = entity_of(resource, self.service, self._records)
        _check_precondition(etag_of(resource.set, row), inbound)
        work = self._work(inbound)
        writing.delete(work, self._behaviour, resource.set, row)
        return _with_remarks(Response(status=204, headers={"dataserviceversion": "2.0"}), work.remarks)

    def _call(self, function: FunctionImport, inbound: Inbound) -> Response:
        if inbound.method != function.method:
            raise _method_refused(inbound.method)
        work = self._work(inbound)
        rows = self._behaviour.call[function.name](work, _arguments(function, inbound.options))
        write = json_format.function_json if inbound.wants_json else atom_format.function_xml
        body = write(function.name, self.service, function.returns, rows, many=function.many)
        return _with_remarks(_versioned(body, 200, _JSON if inbound.wants_json else _XML), work.remarks)

    def _payload(self, resource: Resource, inbound: Inbound) -> Payload:
        content_type = inbound.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "application/json":
            raise refuse(
                415, "/IWFND/CM_MGW/415", f"Content type '{content_type}' is not supported; send application/json"
            )
        return writing.payload_of(writing.parse_body(inbound.body), resource.set, self.service)

    def _work(self, inbound: Inbound) -> Work:
        return Work(self.service, self._records, self._clock.now(), inbound.user, [])


def tunnelled(inbound: Inbound) -> Inbound:
    """A POST that stands for another method (`X-HTTP-Method`), as that method."""
    wanted = inbound.headers.get("x-http-method", "").upper()
    return replace(inbound, method=wanted) if inbound.method == "POST" and wanted in WRITES else inbound


def _shape_of(payload: Payload) -> Shape:
    """What a create answers with: the entity, and below it whatever the request nested."""
    shape = Shape()
    for name, children in payload.children.items():
        below = Shape()
        for child in children:
            below.expand |= _shape_of(child).expand
        shape.expand[name] = below
    return shape


def _check_precondition(etag: str | None, inbound: Inbound) -> None:
    if etag is None:
        return
    condition = inbound.headers.get("if-match")
    if condition is None:
        text = 'The Data Services Request is required to be conditional. Try using the "If-Match" header.'
        raise refuse(428, "/IWBEP/CM_MGW_RT/428", text)
    if condition.strip() != "*" and etag not in {one.strip() for one in condition.split(",")}:
        raise refuse(412, PRECONDITION, "Precondition failed: the entity was changed in the meantime")


def _arguments(function: FunctionImport, options: Mapping[str, str]) -> dict[str, Value]:
    arguments: dict[str, Value] = {}
    for prop in function.parameters:
        text = options.get(prop.name)
        if text is None:
            raise refuse(
                400,
                "/IWFND/CM_MGW/012",
                f"Parameter '{prop.name}' of function import '{function.name}' is missing",
                prop.name,
            )
        literal = parse_literal(text)
        if literal.type != prop.type and not (
            prop.numeric and literal.type in {"Edm.Decimal", "Edm.Int64", "Edm.Double"}
        ):
            raise refuse(400, "/IWFND/CM_MGW/012", f"Parameter '{prop.name}' must be of type {prop.type}", prop.name)
        arguments[prop.name] = literal.value
    return arguments


def _with_remarks(response: Response, remarks: list[Message]) -> Response:
    if remarks:
        response.headers["sap-message"] = sap_message(tuple(remarks))
    return response


def _versioned(body: bytes, status: int, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, {"dataserviceversion": "2.0", **(headers or {})}, media_type)


def _method_refused(method: str) -> ODataError:
    return refuse(405, METHOD_REFUSED, f"Method {method} is not allowed for this resource")
