"""The WSDL 1.1 of a service, from its declaration."""

from collections.abc import Iterable

from sandboxes.oracle.soap.declare import ADF, ERRORS, FIND_RECORDS, SIMPLE, Element, Record, Service

_ADF_NAMES = frozenset(one.name for one in FIND_RECORDS)


def wsdl(service: Service, address: str) -> str:
    """The document; `address` is the service's URL."""
    messages = "".join(
        f'<wsdl:message name="{one.name}"><wsdl:part name="parameters" element="t:{one.name}"/></wsdl:message>'
        f'<wsdl:message name="{one.name}Response"><wsdl:part name="parameters" element="t:{one.name}Response"/>'
        "</wsdl:message>"
        for one in service.operations
    )
    port = "".join(
        f'<wsdl:operation name="{one.name}"><wsdl:input message="t:{one.name}"/>'
        f'<wsdl:output message="t:{one.name}Response"/>'
        '<wsdl:fault name="ServiceException" message="t:ServiceException"/></wsdl:operation>'
        for one in service.operations
    )
    action = service.types.removesuffix("types/")
    bound = "".join(
        f'<wsdl:operation name="{one.name}"><soap:operation soapAction="{action}{one.name}"/>'
        '<wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>'
        '<wsdl:fault name="ServiceException"><soap:fault name="ServiceException" use="literal"/></wsdl:fault>'
        "</wsdl:operation>"
        for one in service.operations
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<wsdl:definitions name="{service.name}" targetNamespace="{service.types}" '
        f'xmlns:t="{service.types}" xmlns:err="{ERRORS}" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" '
        'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<wsdl:types>{_schemas(service)}</wsdl:types>{messages}"
        '<wsdl:message name="ServiceException">'
        '<wsdl:part name="detail" element="err:ServiceErrorMessage"/></wsdl:message>'
        f'<wsdl:portType name="{service.name}">{port}</wsdl:portType>'
        f'<wsdl:binding name="{service.name}SoapHttp" type="t:{service.name}">'
        f'<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</wsdl:binding>'
        f'<wsdl:service name="{service.name}"><wsdl:port name="{service.name}SoapHttpPort" '
        f'binding="t:{service.name}SoapHttp"><soap:address location="{address}"/></wsdl:port></wsdl:service>'
        "</wsdl:definitions>"
    )


def _schemas(service: Service) -> str:
    imports = "".join(f'<xsd:import namespace="{one}"/>' for one in (service.records_namespace, ADF))
    return (
        _schema(ADF, "".join(_complex(one, "a") for one in FIND_RECORDS))
        + _schema(service.records_namespace, "".join(_complex(one, "d") for one in _all_records(service)), service)
        + _schema(
            ERRORS,
            '<xsd:element name="ServiceErrorMessage"><xsd:complexType><xsd:sequence>'
            + "".join(
                f'<xsd:element name="{name}" type="xsd:string" minOccurs="0"/>'
                for name in ("code", "message", "severity", "attributeName")
            )
            + "</xsd:sequence></xsd:complexType></xsd:element>",
        )
        + _schema(service.types, imports + "".join(_operations(service)), service)
    )


def _schema(namespace: str, content: str, service: Service | None = None) -> str:
    records = f' xmlns:d="{service.records_namespace}"' if service else ""
    return (
        f'<xsd:schema targetNamespace="{namespace}" elementFormDefault="qualified" xmlns:a="{ADF}"{records}>'
        f"{content}</xsd:schema>"
    )


def _all_records(service: Service) -> Iterable[Record]:
    yield from service.records
    for name in sorted({one.gives for one in service.operations if one.wrapped}):
        yield Record(f"{name}Result", (Element("Value", name, many=True),))


def _operations(service: Service) -> Iterable[str]:
    for one in service.operations:
        takes = "".join(
            f'<xsd:element name="{name}" type="{_type(kind, "d")}" minOccurs="0"/>' for name, kind in one.takes.items()
        )
        result = f"d:{one.gives}Result" if one.wrapped else f"d:{one.gives}"
        yield _wrapper(one.name, takes)
        yield _wrapper(f"{one.name}Response", f'<xsd:element name="result" type="{result}" minOccurs="0"/>')


def _wrapper(name: str, content: str) -> str:
    inside = f"<xsd:complexType><xsd:sequence>{content}</xsd:sequence></xsd:complexType>"
    return f'<xsd:element name="{name}">{inside}</xsd:element>'


def _complex(record: Record, prefix: str) -> str:
    inside = "".join(
        f'<xsd:element name="{one.name}" type="{_type(one.type, prefix)}" minOccurs="0"'
        f'{" maxOccurs=" + chr(34) + "unbounded" + chr(34) if one.many else ""} nillable="true"/>'
        for one in record.elements
    )
    return f'<xsd:complexType name="{record.name}"><xsd:sequence>{inside}</xsd:sequence></xsd:complexType>'


def _type(name: str, prefix: str) -> str:
    if name in SIMPLE:
        return f"xsd:{name}"
    return f"{'a' if name in _ADF_NAMES else prefix}:{name}"
