"""The WSDL of function modules: document/literal, parameters unqualified, values as the dictionary types them."""

from collections.abc import Sequence

from sandboxes.sap.rfc.catalogue import MODULES
from sandboxes.sap.rfc.dictionary import Field, FunctionModule, Parameter
from sandboxes.sap.rfc.soap import RFC, encoded


def wsdl(names: Sequence[str], address: str) -> bytes:
    """One port type with an operation for each function.

    Args:
        names: Functions that exist.
        address: Where to call them.
    """
    modules = [MODULES[name] for name in names]
    every = [one for module in modules for one in (*module.imports, *module.exports, *module.tables)]
    structures = {one.type: one for one in every if not one.is_single}
    tables = {one.type: one for one in every if one.is_table}
    types = "".join([*map(_structure, structures.values()), *map(_table, tables.values())])
    elements = "".join(map(_elements, modules))
    messages = "".join(map(_messages, modules))
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:rfc="{RFC}" targetNamespace="{RFC}">'
        f'<wsdl:types><xsd:schema targetNamespace="{RFC}" elementFormDefault="unqualified">{types}{elements}'
        f"</xsd:schema></wsdl:types>{messages}"
        f'<wsdl:portType name="RFCPortType">{"".join(map(_operation, modules))}</wsdl:portType>'
        '<wsdl:binding name="RFCBinding" type="rfc:RFCPortType">'
        '<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>'
        f"{''.join(map(_bound, modules))}</wsdl:binding>"
        '<wsdl:service name="RFCService"><wsdl:port name="RFCPort" binding="rfc:RFCBinding">'
        f'<soap:address location="{address}"/></wsdl:port></wsdl:service></wsdl:definitions>'
    ).encode()


def _structure(one: Parameter) -> str:
    inner = "".join(
        f'<xsd:element name="{field.name}" minOccurs="0">{_type(field)}</xsd:element>' for field in one.fields
    )
    return f'<xsd:complexType name="{one.type}"><xsd:sequence>{inner}</xsd:sequence></xsd:complexType>'


def _table(one: Parameter) -> str:
    return (
        f'<xsd:complexType name="TABLE_OF_{one.type}"><xsd:sequence><xsd:element name="item" type="rfc:{one.type}" '
        'minOccurs="0" maxOccurs="unbounded"/></xsd:sequence></xsd:complexType>'
    )


def _type(field: Field) -> str:
    match field.kind:
        case "dec":
            base, facets = "decimal", f'<xsd:totalDigits value="{field.length}"/>'
        case "int":
            base, facets = "int", ""
        case "numc":
            base, facets = "string", f'<xsd:pattern value="\\d{{0,{field.length}}}"/>'
        case _:  # dates too: 0000-00-00 is no xsd:date
            base, facets = "string", f'<xsd:maxLength value="{field.length}"/>'
    return f'<xsd:simpleType><xsd:restriction base="xsd:{base}">{facets}</xsd:restriction></xsd:simpleType>'


def _elements(module: FunctionModule) -> str:
    sent, returned = (*module.imports, *module.tables), (*module.exports, *module.tables)
    return f"{_element(module.name, sent)}{_element(f'{module.name}.Response', returned)}"


def _element(name: str, parameters: Sequence[Parameter]) -> str:
    inner = "".join(map(_parameter, parameters))
    content = f"<xsd:complexType><xsd:all>{inner}</xsd:all></xsd:complexType>"
    return f'<xsd:element name="{encoded(name)}">{content}</xsd:element>'


def _parameter(one: Parameter) -> str:
    name = f'name="{encoded(one.name)}" minOccurs="0"'
    if one.is_single:
        return f"<xsd:element {name}>{_type(one.fields[0])}</xsd:element>"
    return f'<xsd:element {name} type="rfc:{f"TABLE_OF_{one.type}" if one.is_table else one.type}"/>'


def _messages(module: FunctionModule) -> str:
    name = encoded(module.name)
    return (
        f'<wsdl:message name="{name}Input"><wsdl:part name="parameters" element="rfc:{name}"/></wsdl:message>'
        f'<wsdl:message name="{name}Output"><wsdl:part name="parameters" element="rfc:{name}.Response"/></wsdl:message>'
    )


def _operation(module: FunctionModule) -> str:
    name = encoded(module.name)
    return (
        f'<wsdl:operation name="{name}"><wsdl:input message="rfc:{name}Input"/>'
        f'<wsdl:output message="rfc:{name}Output"/></wsdl:operation>'
    )


def _bound(module: FunctionModule) -> str:
    return (
        f'<wsdl:operation name="{encoded(module.name)}"><soap:operation soapAction="{RFC}"/>'
        '<wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>'
        "</wsdl:operation>"
    )
