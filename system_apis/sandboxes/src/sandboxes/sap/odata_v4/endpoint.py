"""One version 4 service: a request below its root in, a response out, whether it came alone or in a batch."""

from collections.abc import Mapping
from urllib.parse import quote, unquote, urlencode

from sandboxes.kit import Clock, Response
from sandboxes.sap.odata_v2 import writing
from sandboxes.sap.odata_v2.behaviour import Behaviour, Payload, Work
from sandboxes.sap.odata_v2.edm import EntitySet, FunctionImport, Row, Value
from sandboxes.sap.odata_v2.endpoint import Inbound
from sandboxes.sap.odata_v2.errors import ODataError, refuse
from sandboxes.sap.odata_v2.primitives import to_text
from sandboxes.sap.odata_v2.query import Query, Shape
from sandboxes.sap.odata_v2.reading import count_rows, etag_of
from sandboxes.sap.odata_v2.resource import Resource, address, entity_of, no_segment, resolve
from sandboxes.sap.odata_v4.documents import Documents, Json, encoded, exact, read_arguments, read_body, value_of
from sandboxes.sap.odata_v4.errors import error_document, remarks_header
from sandboxes.sap.odata_v4.expression import older_key, outside_brackets, parse_literal
from sandboxes.sap.odata_v4.metadata import metadata_document
from sandboxes.sap.odata_v4.model import ServiceV4, as_older
from sandboxes.sap.odata_v4.query import Options, parse_options
from sandboxes.sap.storage import Records

VERSION = {"odata-version": "4.0"}
_METHOD = "/IWBEP/CM_V4_COS/025"


class EndpointV4:
    """Answers the requests of one service. Writes run inside the caller's transaction."""

    def __init__(self, service: ServiceV4, behaviour: Behaviour, records: Records, clock: Clock) -> None:
        self.service = service
        self._behaviour, self._records, self._clock = behaviour, records, clock
        self._metadata = metadata_document(service)

    def answer(self, inbound: Inbound) -> Response:
        """The response to a request.

        Raises:
            ODataError: it is refused; the caller undoes its writes and renders the error with `render_error`.
        """
        path = older_key(unquote(inbound.path).strip("/"))
        if path in {"", "$metadata"} and inbound.method not in {"GET", "HEAD"}:
            raise _method_refused(inbound.method)
        if path == "$metadata":
            return Response(self._metadata, 200, VERSION, "application/xml")
        _check_accept(inbound)
        if not path:
            return self._service_document(inbound)
        if (function := self.service.functions.get(path.partition("(")[0])) is not None:
            return self._call(function, path, inbound)
        bound, _, last = path.rpartition("/")
        if bound and "." in last and "'" not in last:
            return self._act(resolve(bound, self.service, self._records), last, inbound)
        resource = resolve(path, self.service, self._records)
        match inbound.method:
            case "GET" | "HEAD":
                return self._read(resource, inbound)
            case "POST":
                return self._create(resource, inbound)
            case "PUT" | "PATCH":
                return self._update(resource, inbound)
            case "DELETE":
                return self._delete(resource, inbound)
            case _:
                raise _method_refused(inbound.method)

    def render_error(self, error: ODataError) -> Response:
        """The error, always as JSON."""
        body = error_document(error, self.service, self._clock.now())
        return Response(body, error.status, {**VERSION, **error.headers}, "application/json")

    def _service_document(self, inbound: Inbound) -> Response:
        sets = [{"name": name, "url": name} for name in self.service.sets]
        functions = [{"name": one, "url": one, "kind": "FunctionImport"} for one in self.service.functions]
        return _json(inbound, {"@odata.context": "$metadata", "value": [*sets, *functions]})

    def _read(self, resource: Resource, inbound: Inbound) -> Response:
        options = parse_options(inbound.options, self.service, resource.set)
        if resource.count:
            counted = count_rows(resource, options.query, self.service, self._records)
            return Response(str(counted), 200, VERSION, "text/plain")
        if resource.prop:
            return self._read_property(resource, inbound)
        if not resource.single:
            return self._collection(resource, options, inbound)
        row = entity_of(resource, self.service, self._records)
        etag = etag_of(resource.set, row)
        if etag and inbound.headers.get("if-none-match") in {etag, "*"}:
            return Response(status=304, headers={**VERSION, "etag": etag})
        return self._entity(resource.set, row, options, inbound)

    def _read_property(self, resource: Resource, inbound: Inbound) -> Response:
        prop, row = resource.prop, entity_of(resource, self.service, self._records)
        if prop is None:
            raise no_segment(resource.set.name)
        if resource.raw:
            return Response(to_text(prop, row[prop.name]) or "", 200, VERSION, "text/plain")
        context = f"$metadata#{address(resource.set, row)}/{prop.name}"
        value = value_of(prop, row[prop.name], compatible=_compatible(inbound))
        return _json(inbound, {"@odata.context": context, "value": value})

    def _collection(self, resource: Resource, options: Options, inbound: Inbound) -> Response:
        if options.apply is not None:
            groups = self._documents(inbound).groups(resource, options.apply, options.query)
            context = f"$metadata#{resource.set.name}({','.join(options.apply.shown)})"
            return _json(inbound, {"@odata.context": context, **groups})
        page, token = self._documents(inbound).page(resource, options)
        document: Json = {"@odata.context": f"$metadata#{_shown(resource.set, options)}", **page}
        if token is not None:
            query = urlencode(inbound.options | {"$skiptoken": str(token)}, quote_via=quote, safe="$")
            document["@odata.nextLink"] = f"{inbound.path.strip('/')}?{query}"
        return _json(inbound, document)

    def _entity(
        self, entity_set: EntitySet, row: Row, options: Options, inbound: Inbound, status: int = 200
    ) -> Response:
        context = f"$metadata#{_shown(entity_set, options)}/$entity"
        document = self._documents(inbound).entity(entity_set, row, options)
        response = _json(inbound, {"@odata.context": context, **document}, status)
        if etag := etag_of(entity_set, row):
            response.headers["etag"] = etag
        return response

    def _create(self, resource: Resource, inbound: Inbound) -> Response:
        if resource.single or resource.prop or resource.count:
            raise _method_refused(inbound.method)
        payload = _payload(resource, self.service, inbound)
        if resource.over is not None:
            payload = writing.with_parent(payload, resource.equal, resource.set)
        work = self._work(inbound)
        node = writing.create(work, self._behaviour, self.service.older_set(resource.set), as_older(payload))
        location = f"{inbound.origin}{self.service.root}/{address(resource.set, node.row)}"
        if _prefers(inbound, "minimal"):
            headers = {**VERSION, "odata-entityid": location, "preference-applied": "return=minimal"}
            response = Response(status=204, headers=headers)
        else:
            response = self._entity(resource.set, node.row, _nested(payload), inbound, 201)
        response.headers["location"] = location
        return _with_remarks(response, work)

    def _update(self, resource: Resource, inbound: Inbound) -> Response:
        old = self._checked(resource, inbound)
        payload = _payload(resource, self.service, inbound)
        if payload.children:
            raise refuse(400, "/IWBEP/CM_V4_COS/090", "Deep update is not supported; update dependent entities alone")
        work, older = self._work(inbound), self.service.older_set(resource.set)
        whole = inbound.method == "PUT"
        writing.update(work, self._behaviour, older, old, payload.values, whole=whole)
        return self._changed(resource.set, old, work, inbound, shown=_prefers(inbound, "representation"))

    def _act(self, resource: Resource, name: str, inbound: Inbound) -> Response:
        """A bound action: POST with its arguments, answered with the entity as it then is."""
        if inbound.method != "POST":
            raise _method_refused(inbound.method)
        action = self.service.action(resource.set, name)
        if action is None:
            raise no_segment(name)
        row, work = self._checked(resource, inbound), self._work(inbound)
        sent_as = inbound.headers.get("content-type", "")
        arguments = read_arguments(inbound.body, action.parameters, compatible=exact(sent_as))
        self._behaviour.act[action.name](work, row, arguments)
        return self._changed(resource.set, row, work, inbound, shown=not _prefers(inbound, "minimal"))

    def _changed(self, entity_set: EntitySet, old: Row, work: Work, inbound: Inbound, *, shown: bool) -> Response:
        """The answer to a change: the entity, or no more than its new tag."""
        table = work.table(self.service.older_set(entity_set).name)
        row = self._records.get(table, **table.key_of(old)) or old
        if shown:
            response = self._entity(entity_set, row, Options(_EVERYTHING), inbound)
            response.headers["preference-applied"] = "return=representation"
            return _with_remarks(response, work)
        etag = etag_of(entity_set, row)
        return _with_remarks(Response(status=204, headers=VERSION | ({"etag": etag} if etag else {})), work)

    def _delete(self, resource: Resource, inbound: Inbound) -> Response:
        row, work = self._checked(resource, inbound), self._work(inbound)
        writing.delete(work, self._behaviour, self.service.older_set(resource.set), row)
        return _with_remarks(Response(status=204, headers=VERSION), work)

    def _checked(self, resource: Resource, inbound: Inbound) -> Row:
        """The entity to change, if the request knows its version."""
        if not resource.single or resource.prop or resource.count:
            raise _method_refused(inbound.method)
        row = entity_of(resource, self.service, self._records)
        etag, condition = etag_of(resource.set, row), inbound.headers.get("if-match")
        if etag and condition is None:
            raise refuse(428, "/IWBEP/CM_V4_COS/086", "The request must be conditional; send If-Match")
        if etag and condition not in {etag, "*"}:
            raise refuse(412, "/IWBEP/CM_V4_COS/087", "Precondition failed: the entity was changed in the meantime")
        return row

    def _call(self, function: FunctionImport, path: str, inbound: Inbound) -> Response:
        if inbound.method != function.method:
            raise _method_refused(inbound.method)
        work = self._work(inbound)
        rows = self._behaviour.call[function.name](work, _arguments(function, path))
        properties, documents = self.service.complex_types[function.returns], self._documents(inbound)
        written = [documents.record(properties, row) for row in rows]
        kind = f"{self.service.schema}.{function.returns}"
        context = f"$metadata#{f'Collection({kind})' if function.many else kind}"
        return _json(inbound, {"@odata.context": context, **({"value": written} if function.many else written[0])})

    def _documents(self, inbound: Inbound) -> Documents:
        return Documents(self.service, self._records, compatible=_compatible(inbound))

    def _work(self, inbound: Inbound) -> Work:
        return Work(self.service.older, self._records, self._clock.now(), inbound.user, [])


_EVERYTHING = Query(Shape())


def _nested(payload: Payload) -> Options:
    """What a create answers with: the entity, and below it whatever the request nested."""
    expand = {name: _nested(below[0]) if below else Options(_EVERYTHING) for name, below in payload.children.items()}
    return Options(_EVERYTHING, expand=expand)


def _shown(entity_set: EntitySet, options: Options) -> str:
    names = [*(options.select or ()), *(f"{name}()" for name in options.expand)]
    return f"{entity_set.name}({','.join(names)})" if names else entity_set.name


def _payload(resource: Resource, service: ServiceV4, inbound: Inbound) -> Payload:
    content_type = inbound.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise refuse(415, "/IWBEP/CM_V4_COS/415", f"Content type '{content_type}' is not supported; send JSON")
    return read_body(inbound.body, resource.set, service, compatible=exact(content_type))


def _arguments(function: FunctionImport, path: str) -> dict[str, Value]:
    _, opened, rest = path.partition("(")
    parts = outside_brackets(rest.removesuffix(")"), ",") if opened else []
    given = {name.strip(): text for name, _, text in (part.partition("=") for part in parts)}
    arguments: dict[str, Value] = {}
    for prop in function.parameters:
        literal = parse_literal(given[prop.name].strip()) if prop.name in given else None
        if literal is None or literal.type != prop.type:
            text = f"Function '{function.name}' needs the parameter '{prop.name}' of type {prop.type}"
            raise refuse(400, "/IWBEP/CM_V4_COS/012", text, prop.name)
        arguments[prop.name] = literal.value
    return arguments


def _check_accept(inbound: Inbound) -> None:
    accepted = inbound.options.get("$format") or inbound.headers.get("accept") or "*/*"
    if not any(one in accepted for one in ("json", "*/*", "application/*", "text/plain")):
        raise refuse(406, "/IWBEP/CM_V4_COS/406", "Only application/json can be answered")


def _compatible(inbound: Inbound) -> bool:
    return exact(inbound.headers.get("accept", "")) or exact(inbound.options.get("$format", ""))


def _prefers(inbound: Inbound, what: str) -> bool:
    return f"return={what}" in inbound.headers.get("prefer", "").replace(" ", "").split(",")


def _json(inbound: Inbound, document: Mapping[str, object], status: int = 200) -> Response:
    compatible = _compatible(inbound)
    media_type = "application/json;odata.metadata=minimal" + (";IEEE754Compatible=true" if compatible else "")
    return Response(encoded(dict(document), compatible=compatible), status, VERSION, media_type)


def _with_remarks(response: Response, work: Work) -> Response:
    if work.remarks:
        response.headers["sap-messages"] = remarks_header(work.remarks)
    return response


def _method_refused(method: str) -> ODataError:
    return refuse(405, _METHOD, f"Method {method} is not allowed for this resource")
