"""The WSDL: NetSuite's operations, types and namespaces, reduced to the records of this account."""

from functools import cache
from xml.sax.saxutils import quoteattr

from sandboxes.netsuite.schema import RECORD_TYPES, Field, RecordType
from sandboxes.netsuite.schema.countries import COUNTRIES
from sandboxes.netsuite.schema.entities import ADDRESS
from sandboxes.netsuite.soap.names import SEARCHES, choices, list_name, namespace, type_name

_SCALARS = {
    "string": "xsd:string", "text": "xsd:string", "integer": "xsd:long", "number": "xsd:double",
    "boolean": "xsd:boolean", "date": "xsd:dateTime", "dateTime": "xsd:dateTime",
}  # fmt: skip
_SEARCH_FIELDS = {
    "string": "SearchStringField", "text": "SearchStringField", "integer": "SearchLongField",
    "number": "SearchDoubleField", "boolean": "SearchBooleanField", "date": "SearchDateField",
    "dateTime": "SearchDateField", "reference": "SearchMultiSelectField", "select": "SearchEnumMultiSelectField",
}  # fmt: skip
_FAULTS = (
    "insufficientPermission", "invalidAccount", "invalidCredentials", "invalidSession", "invalidVersion",
    "exceededConcurrentRequestLimit", "exceededRecordCount", "exceededRequestLimit", "exceededRequestSize",
    "exceededUsageLimit", "unexpectedError", "async",
)  # fmt: skip
_PAGE_INDEX = '<element name="pageIndex" type="xsd:int"/>'
# Per operation: content of its request, element of its response and type of that element.
_OPERATIONS: dict[str, tuple[str, str, str]] = {
    "get": ('<element name="baseRef" type="core:BaseRef"/>', "readResponse", "ReadResponse"),
    "getList": (
        '<element name="baseRef" type="core:BaseRef" maxOccurs="unbounded"/>', "readResponseList", "ReadResponseList",
    ),
    **dict.fromkeys(
        ("add", "update", "upsert"),
        ('<element name="record" type="core:Record"/>', "writeResponse", "WriteResponse"),
    ),
    **{
        f"{name}List": (
            '<element name="record" type="core:Record" maxOccurs="unbounded"/>', "writeResponseList",
            "WriteResponseList",
        )
        for name in ("add", "update", "upsert")
    },
    "delete": ('<element name="baseRef" type="core:BaseRef"/>', "writeResponse", "WriteResponse"),
    "deleteList": (
        '<element name="baseRef" type="core:BaseRef" maxOccurs="unbounded"/>', "writeResponseList",
        "WriteResponseList",
    ),
    "search": ('<element name="searchRecord" type="core:SearchRecord"/>', "searchResult", "core:SearchResult"),
    "searchMoreWithId": (
        '<element name="searchId" type="xsd:string"/><element name="pageIndex" type="xsd:int"/>', "searchResult",
        "core:SearchResult",
    ),
    "initialize": (
        '<element name="initializeRecord" type="core:InitializeRecord"/>', "readResponse", "ReadResponse",
    ),
    "getDeleted": (
        '<element name="getDeletedFilter" type="core:GetDeletedFilter"/><element name="pageIndex" type="xsd:int"/>',
        "getDeletedResult", "core:GetDeletedResult",
    ),
    **{
        f"async{name[0].upper()}{name[1:]}": (content, "asyncStatusResult", "core:AsyncStatusResult")
        for name, content in (
            *dict.fromkeys(("addList", "updateList", "upsertList"),
                           '<element name="record" type="core:Record" maxOccurs="unbounded"/>').items(),
            *dict.fromkeys(("deleteList", "getList"),
                           '<element name="baseRef" type="core:BaseRef" maxOccurs="unbounded"/>').items(),
        )
    },
    "checkAsyncStatus": (
        '<element name="jobId" type="xsd:string"/>', "asyncStatusResult", "core:AsyncStatusResult",
    ),
    "getAsyncResult": (
        '<element name="jobId" type="xsd:string"/><element name="pageIndex" type="xsd:int"/>', "asyncResult",
        "AsyncResult",
    ),
    "getSelectValue": (
        f'<element name="fieldDescription" type="core:GetSelectValueFieldDescription"/>{_PAGE_INDEX}',
        "getSelectValueResult", "core:GetSelectValueResult",
    ),
    "getAccountGovernanceInfo": (
        "", "getAccountGovernanceInfoResult", "core:GetAccountGovernanceInfoResult",
    ),
    "getIntegrationGovernanceInfo": (
        "", "getIntegrationGovernanceInfoResult", "core:GetIntegrationGovernanceInfoResult",
    ),
    "getDataCenterUrls": (
        '<element name="account" type="xsd:string"/>', "getDataCenterUrlsResult", "core:GetDataCenterUrlsResult",
    ),
}  # fmt: skip
OPERATIONS = frozenset(_OPERATIONS)
_ASYNC_RESULTS = {
    **dict.fromkeys(("AddList", "UpdateList", "UpsertList", "DeleteList"), "WriteResponseList"),
    "GetList": "ReadResponseList",
}


def wsdl(version: str, address: str) -> str:
    """The WSDL of a version, whose port is at this address."""
    return _wsdl(version).replace("@ADDRESS@", quoteattr(address))


@cache
def _wsdl(version: str) -> str:
    messages = namespace(version, "messages")
    ports = "".join(
        f'<operation name="{name}"><input message="tns:{name}Request"/><output message="tns:{name}Response"/>'
        + "".join(f'<fault name="{one}Fault" message="tns:{one}Fault"/>' for one in _FAULTS)
        + "</operation>"
        for name in _OPERATIONS
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:tns="{namespace(version, "netsuite")}" '
        f'xmlns:messages="{messages}" xmlns:faults="{namespace(version, "faults")}" '
        f'targetNamespace="{namespace(version, "netsuite")}"><types>{_schemas(version)}</types>{_messages()}'
        f'<portType name="NetSuitePortType">{ports}</portType>'
        '<binding name="NetSuiteBinding" type="tns:NetSuitePortType">'
        '<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>'
        f'{"".join(map(_bound, _OPERATIONS))}</binding><service name="NetSuiteService">'
        '<port name="NetSuitePort" binding="tns:NetSuiteBinding"><soap:address location=@ADDRESS@/></port></service>'
        "</definitions>"
    )


def _messages() -> str:
    headers = ("tokenPassport", "searchPreferences", "documentInfo")
    own = "".join(
        f'<message name="{name}"><part name="{name}" element="messages:{name}"/></message>' for name in headers
    )
    calls = "".join(
        f'<message name="{name}Request"><part name="parameters" element="messages:{name}"/></message>'
        f'<message name="{name}Response"><part name="parameters" element="messages:{name}Response"/></message>'
        for name in _OPERATIONS
    )
    faults = "".join(
        f'<message name="{name}Fault"><part name="fault" element="faults:{name}Fault"/></message>' for name in _FAULTS
    )
    return own + calls + faults


def _bound(name: str) -> str:
    headers = "".join(
        f'<soap:header message="tns:{one}" part="{one}" use="literal"/>'
        for one in ("tokenPassport", "searchPreferences")
    )
    faults = "".join(
        f'<fault name="{one}Fault"><soap:fault name="{one}Fault" use="literal"/></fault>' for one in _FAULTS
    )
    return (
        f'<operation name="{name}"><soap:operation soapAction="{name}"/>'
        f'<input><soap:body use="literal"/>{headers}</input>'
        '<output><soap:body use="literal"/><soap:header message="tns:documentInfo" part="documentInfo" use="literal"/>'
        f"</output>{faults}</operation>"
    )


def _schemas(version: str) -> str:
    packages: dict[tuple[str, str], list[RecordType]] = {}
    for one in RECORD_TYPES.values():
        packages.setdefault(one.package, []).append(one)
    written = [_schema(version, ("core", "platform"), _CORE)]
    written.append(_schema(version, ("common", "platform"), _common()))
    written.append(_schema(version, ("types.common", "platform"), _enumeration("Country", ADDRESS.by_name["country"])))
    written.append(_schema(version, ("faults", "platform"), _faults()))
    for package, types in packages.items():
        written.append(_schema(version, package, "".join(map(_record, types))))
    written.append(_schema(version, ("messages", "platform"), _requests()))
    return "".join(written)


def _schema(version: str, package: tuple[str, str], content: str) -> str:
    own = namespace(version, *package)
    known = {
        "core": namespace(version, "core"),
        "common": namespace(version, "common"),
        "commonTypes": namespace(version, "types.common"),
        "own": own,
    }
    prefixes = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in known.items())
    imports = "".join(f'<import namespace="{uri}"/>' for uri in dict.fromkeys(known.values()) if uri != own)
    return (
        f'<schema xmlns="http://www.w3.org/2001/XMLSchema"{prefixes} xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        f'targetNamespace="{own}" elementFormDefault="qualified">{imports}{content}</schema>'
    )


def _record(record_type: RecordType) -> str:
    name = type_name(record_type)
    extra = "".join(
        _enumeration(f"{name}{_title(field.name)}", field)
        for field in record_type.fields
        if field.kind == "select" and field.name != "status"
    )
    sublists = "".join(_sublist(name, field) for field in record_type.sublists)
    elements = "".join(_element(name, field) for field in record_type.fields if field.name != "externalId")
    return (
        f'<complexType name="{name}"><complexContent><extension base="core:Record"><sequence>{elements}</sequence>'
        '<attribute name="internalId" type="xsd:string"/><attribute name="externalId" type="xsd:string"/>'
        f'</extension></complexContent></complexType><element name="{record_type.name}" type="own:{name}"/>'
        f"{sublists}{extra}"
    )


def _sublist(owner: str, field: Field) -> str:
    name = f"{owner}{_title(field.soap_name)}"
    inner = "".join(_element(name, one) for one in field.inner)
    extra = "".join(_enumeration(f"{name}{_title(one.name)}", one) for one in field.inner if one.kind == "select")
    return (
        f'<complexType name="{name}"><sequence>{inner}</sequence></complexType>'
        f'<complexType name="{name}List"><sequence><element name="{field.soap_name}" type="own:{name}" minOccurs="0" '
        'maxOccurs="unbounded"/></sequence><attribute name="replaceAll" type="xsd:boolean" default="true"/>'
        f"</complexType>{extra}"
    )


def _element(owner: str, field: Field) -> str:
    name = field.soap_name
    if field.kind == "sublist":
        name, kind = list_name(field), f"own:{owner}{_title(field.soap_name)}List"
    elif field.kind == "subrecord":
        kind = "common:Address"
    elif field.kind == "reference":
        kind = "core:RecordRef"
    elif field.kind == "select":
        kind = "xsd:string" if field.name == "status" else f"own:{owner}{_title(field.name)}"
    else:
        kind = _SCALARS[field.kind]
    return f'<element name="{name}" type="{kind}" minOccurs="0"/>'


def _enumeration(name: str, field: Field) -> str:
    values = "".join(f'<enumeration value="{value}"/>' for value in choices(field).values())
    return f'<simpleType name="{name}"><restriction base="xsd:string">{values}</restriction></simpleType>'


def _common() -> str:
    lines = "".join(
        f'<element name="{one.soap_name}" '
        f'type="{"commonTypes:Country" if one.choices is COUNTRIES else _SCALARS[one.kind]}" minOccurs="0"/>'
        for one in ADDRESS.inner
    )
    return f'<complexType name="Address"><sequence>{lines}</sequence></complexType>' + "".join(
        _search(name, kinds) for name, kinds in SEARCHES.items()
    )


def _search(name: str, kinds: tuple[str, ...]) -> str:
    fields = {one.soap_name: one for kind in kinds for one in RECORD_TYPES[kind].fields}
    listed = "".join(
        f'<element name="{field}" type="core:{_SEARCH_FIELDS[one.kind]}" minOccurs="0"/>'
        for field, one in fields.items()
        if one.kind in _SEARCH_FIELDS and field != "externalId"
    )
    more = '<element name="type" type="core:SearchEnumMultiSelectField" minOccurs="0"/>' if len(kinds) > 1 else ""
    keys = (
        '<element name="internalId" type="core:SearchMultiSelectField" minOccurs="0"/>'
        '<element name="externalIdString" type="core:SearchStringField" minOccurs="0"/>'
    )
    return (
        f'<complexType name="{name}"><complexContent><extension base="core:SearchRecordBasic"><sequence>{keys}{more}'
        f"{listed}</sequence></extension></complexContent></complexType>"
    )


def _faults() -> str:
    shape = (
        '<complexType name="SoapFault"><sequence><element name="code" type="xsd:string"/>'
        '<element name="message" type="xsd:string"/></sequence></complexType>'
    )
    return shape + "".join(f'<element name="{name}Fault" type="own:SoapFault"/>' for name in _FAULTS)


def _requests() -> str:
    shapes = (
        _shape("ReadResponse", '<element ref="core:status"/>'
               '<element name="record" type="core:Record" minOccurs="0"/>')
        + _shape("ReadResponseList", '<element ref="core:status"/>'
                 '<element name="readResponse" type="own:ReadResponse" minOccurs="0" maxOccurs="unbounded"/>')
        + _shape("WriteResponse", '<element ref="core:status"/>'
                 '<element name="baseRef" type="core:BaseRef" minOccurs="0"/>')
        + _shape("WriteResponseList", '<element ref="core:status"/>'
                 '<element name="writeResponse" type="own:WriteResponse" minOccurs="0" maxOccurs="unbounded"/>')
        + '<complexType name="AsyncResult" abstract="true"><sequence/></complexType>'
        + "".join(
            f'<complexType name="Async{name}Result"><complexContent><extension base="own:AsyncResult"><sequence>'
            f'<element name="{kind[0].lower()}{kind[1:]}" type="own:{kind}"/></sequence></extension></complexContent>'
            "</complexType>"
            for name, kind in _ASYNC_RESULTS.items()
        )
        + _shape("SearchPreferences", '<element name="bodyFieldsOnly" type="xsd:boolean" default="true" minOccurs="0"/>'
                 '<element name="returnSearchColumns" type="xsd:boolean" default="true" minOccurs="0"/>'
                 '<element name="pageSize" type="xsd:int" minOccurs="0"/>')
        + _shape("DocumentInfo", '<element name="nsId" type="xsd:string"/>')
    )  # fmt: skip
    elements = (
        '<element name="tokenPassport" type="core:TokenPassport"/>'
        '<element name="searchPreferences" type="own:SearchPreferences"/>'
        '<element name="documentInfo" type="own:DocumentInfo"/>'
    )
    calls = ""
    for name, (content, answer, kind) in _OPERATIONS.items():
        title = _title(name)
        # Results of the core schema are elements of it.
        own = f'<element name="{answer}" type="own:{kind}"/>'
        inside = f'<element ref="core:{answer}"/>' if ":" in kind else own
        calls += _shape(f"{title}Request", content) + _shape(f"{title}Response", inside)
        calls += f'<element name="{name}" type="own:{title}Request"/>'
        calls += f'<element name="{name}Response" type="own:{title}Response"/>'
    return shapes + elements + calls


def _shape(name: str, content: str) -> str:
    return f'<complexType name="{name}"><sequence>{content}</sequence></complexType>'


def _title(name: str) -> str:
    return name[0].upper() + name[1:]


def _search_field(name: str, value: str, *, twice: bool = False, operators: bool = True) -> str:
    second = f'<element name="searchValue2" type="{value}" minOccurs="0"/>' if twice else ""
    many = ' maxOccurs="unbounded"' if "Multi" in name else ""
    operator = '<attribute name="operator" type="xsd:string"/>' if operators else ""
    return (
        f'<complexType name="{name}"><sequence><element name="searchValue" type="{value}" minOccurs="0"{many}/>{second}'
        f"</sequence>{operator}</complexType>"
    )


_CORE = (
    _shape("NullField", '<element name="name" type="xsd:string" minOccurs="0" maxOccurs="unbounded"/>')
    + '<complexType name="Record" abstract="true"><sequence><element name="nullFieldList" type="core:NullField" '
    'minOccurs="0"/></sequence></complexType>'
    + '<complexType name="BaseRef" abstract="true"><sequence><element name="name" type="xsd:string" minOccurs="0"/>'
    "</sequence></complexType>"
    + '<complexType name="RecordRef"><complexContent><extension base="core:BaseRef"><sequence/>'
    '<attribute name="internalId" type="xsd:string"/><attribute name="externalId" type="xsd:string"/>'
    '<attribute name="type" type="xsd:string"/></extension></complexContent></complexType>'
    + '<complexType name="InitializeRef"><complexContent><extension base="core:BaseRef"><sequence/>'
    '<attribute name="internalId" type="xsd:string"/><attribute name="externalId" type="xsd:string"/>'
    '<attribute name="type" type="xsd:string"/></extension></complexContent></complexType>'
    + _shape("InitializeRecord", '<element name="type" type="xsd:string"/>'
             '<element name="reference" type="core:InitializeRef" minOccurs="0"/>')
    + '<complexType name="StatusDetail"><sequence><element name="code" type="xsd:string"/>'
    '<element name="message" type="xsd:string"/></sequence><attribute name="type" type="xsd:string"/></complexType>'
    + '<complexType name="Status"><sequence><element name="statusDetail" type="core:StatusDetail" minOccurs="0" '
    'maxOccurs="unbounded"/></sequence><attribute name="isSuccess" type="xsd:boolean"/></complexType>'
    + '<element name="status" type="core:Status"/>'
    + _shape("RecordList", '<element name="record" type="core:Record" minOccurs="0" maxOccurs="unbounded"/>')
    + '<complexType name="SearchRecord" abstract="true"><sequence/></complexType>'
    + '<complexType name="SearchRecordBasic" abstract="true"><complexContent><extension base="core:SearchRecord">'
    "<sequence/></extension></complexContent></complexType>"
    + _search_field("SearchStringField", "xsd:string")
    + _search_field("SearchLongField", "xsd:long", twice=True)
    + _search_field("SearchDoubleField", "xsd:double", twice=True)
    + _search_field("SearchBooleanField", "xsd:boolean", operators=False)
    + _search_field("SearchDateField", "xsd:dateTime", twice=True)
    + _search_field("SearchMultiSelectField", "core:RecordRef")
    + _search_field("SearchEnumMultiSelectField", "xsd:string")
    + _shape("SearchResult", '<element ref="core:status"/>'
             + "".join(f'<element name="{name}" type="xsd:int" minOccurs="0"/>'
                       for name in ("totalRecords", "pageSize", "totalPages", "pageIndex"))
             + '<element name="searchId" type="xsd:string" minOccurs="0"/>'
             '<element name="recordList" type="core:RecordList" minOccurs="0"/>')
    + '<element name="searchResult" type="core:SearchResult"/>'
    + _shape("DataCenterUrls", "".join(f'<element name="{name}" type="xsd:string"/>'
                                       for name in ("restDomain", "webservicesDomain", "systemDomain")))
    + _shape("GetDataCenterUrlsResult", '<element ref="core:status"/>'
             '<element name="dataCenterUrls" type="core:DataCenterUrls" minOccurs="0"/>')
    + '<element name="getDataCenterUrlsResult" type="core:GetDataCenterUrlsResult"/>'
    + _shape("GetDeletedFilter", '<element name="deletedDate" type="core:SearchDateField" minOccurs="0"/>'
             '<element name="type" type="core:SearchEnumMultiSelectField" minOccurs="0"/>')
    + _shape("DeletedRecord", '<element name="deletedDate" type="xsd:dateTime" minOccurs="0"/>'
             '<element name="record" type="core:BaseRef" minOccurs="0"/>')
    + _shape("DeletedRecordList", '<element name="deletedRecord" type="core:DeletedRecord" minOccurs="0" '
             'maxOccurs="unbounded"/>')
    + _shape("GetDeletedResult", '<element ref="core:status"/>'
             + "".join(f'<element name="{name}" type="xsd:int" minOccurs="0"/>'
                       for name in ("totalRecords", "pageSize", "totalPages", "pageIndex"))
             + '<element name="deletedRecordList" type="core:DeletedRecordList" minOccurs="0"/>')
    + '<element name="getDeletedResult" type="core:GetDeletedResult"/>'
    + _shape("AsyncStatusResult", '<element name="jobId" type="xsd:string"/>'
             '<element name="status" type="xsd:string"/><element name="percentCompleted" type="xsd:double"/>'
             '<element name="estRemainingDuration" type="xsd:double"/>')
    + '<element name="asyncStatusResult" type="core:AsyncStatusResult"/>'
    + '<complexType name="GetSelectValueFilter"><sequence><element name="filterValue" type="xsd:string"/></sequence>'
    '<attribute name="operator" type="xsd:string"/></complexType>'
    + _shape("GetSelectValueFieldDescription", '<element name="recordType" type="xsd:string"/>'
             '<element name="sublist" type="xsd:string" minOccurs="0"/><element name="field" type="xsd:string"/>'
             '<element name="filter" type="core:GetSelectValueFilter" minOccurs="0"/>')
    + _shape("BaseRefList", '<element name="baseRef" type="core:BaseRef" minOccurs="0" maxOccurs="unbounded"/>')
    + _shape("GetSelectValueResult", '<element ref="core:status"/>'
             '<element name="totalRecords" type="xsd:int" minOccurs="0"/>'
             '<element name="totalPages" type="xsd:int" minOccurs="0"/>'
             '<element name="baseRefList" type="core:BaseRefList" minOccurs="0"/>')
    + '<element name="getSelectValueResult" type="core:GetSelectValueResult"/>'
    + _shape("GetAccountGovernanceInfoResult", '<element ref="core:status"/>'
             '<element name="accountConcurrencyLimit" type="xsd:int" minOccurs="0"/>'
             '<element name="unallocatedConcurrencyLimit" type="xsd:int" minOccurs="0"/>')
    + '<element name="getAccountGovernanceInfoResult" type="core:GetAccountGovernanceInfoResult"/>'
    + _shape("GetIntegrationGovernanceInfoResult", '<element ref="core:status"/>'
             '<element name="integrationConcurrencyLimit" type="xsd:int" minOccurs="0"/>'
             '<element name="limitType" type="xsd:string" minOccurs="0"/>')
    + '<element name="getIntegrationGovernanceInfoResult" type="core:GetIntegrationGovernanceInfoResult"/>'
    + '<complexType name="TokenPassportSignature"><simpleContent><extension base="xsd:string">'
    '<attribute name="algorithm" type="xsd:string" use="required"/></extension></simpleContent></complexType>'
    + _shape("TokenPassport", "".join(f'<element name="{name}" type="xsd:string"/>'
                                      for name in ("account", "consumerKey", "token", "nonce"))
             + '<element name="timestamp" type="xsd:long"/>'
             '<element name="signature" type="core:TokenPassportSignature"/>')
)  # fmt: skip
