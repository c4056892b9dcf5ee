"""The description of the SOAP door: one operation for each message that systems send here."""

from functools import cache

from sandboxes.sap.idoc.document import CONTROL
from sandboxes.sap.idoc.structure import CONTROL_FIELDS, Place, structure

ONCE = "urn:sap-com:document:sap:idoc:soap:messages"
SEVERAL = "urn:sap-com:document:sap:idoc:messages"
_TAKEN = ("ORDERS05", "ALEAUD01")


@cache
def wsdl(address: str) -> str:
    """WSDL 1.1 with its schema."""
    elements = "".join(_message(kind) for kind in _TAKEN)
    messages = "".join(
        f'<wsdl:message name="{kind}"><wsdl:part name="parameters" element="tns:{kind}"/></wsdl:message>'
        f'<wsdl:message name="{kind}.Response"><wsdl:part name="parameters" element="tns:{kind}.Response"/>'
        f"</wsdl:message>"
        for kind in _TAKEN
    )
    operations = "".join(
        f'<wsdl:operation name="{kind}"><wsdl:input message="tns:{kind}"/>'
        f'<wsdl:output message="tns:{kind}.Response"/></wsdl:operation>'
        for kind in _TAKEN
    )
    bound = "".join(
        f'<wsdl:operation name="{kind}"><soap:operation soapAction=""/><wsdl:input><soap:body use="literal"/>'
        f'</wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation>'
        for kind in _TAKEN
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>'
        f'<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:tns="{ONCE}"'
        f' xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" targetNamespace="{ONCE}"><wsdl:types>'
        f'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="{ONCE}"'
        f' elementFormDefault="qualified">{elements}</xsd:schema></wsdl:types>{messages}'
        f'<wsdl:portType name="IDoc">{operations}</wsdl:portType>'
        f'<wsdl:binding name="IDoc" type="tns:IDoc"><soap:binding style="document"'
        f' transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</wsdl:binding>'
        f'<wsdl:service name="IDocService"><wsdl:port name="IDoc" binding="tns:IDoc">'
        f'<soap:address location="{address}"/></wsdl:port></wsdl:service></wsdl:definitions>'
    )


def _message(kind: str) -> str:
    root = structure(kind)
    places = [Place(CONTROL, CONTROL_FIELDS, mandatory=True), *(root.below if root else [])]
    body = "".join(map(_segment, places))
    return (
        f'<xsd:element name="{kind}"><xsd:complexType><xsd:sequence><xsd:element name="IDOC"><xsd:complexType>'
        f'<xsd:sequence>{body}</xsd:sequence><xsd:attribute name="BEGIN" type="xsd:string" use="required"/>'
        f"</xsd:complexType></xsd:element></xsd:sequence></xsd:complexType></xsd:element>"
        f'<xsd:element name="{kind}.Response"><xsd:complexType><xsd:sequence>'
        f'<xsd:element name="AssignMessage" form="unqualified" maxOccurs="unbounded"><xsd:complexType><xsd:sequence>'
        f'<xsd:element name="TransferId" type="xsd:string" form="unqualified" minOccurs="0"/>'
        f'<xsd:element name="DbId" type="xsd:string" form="unqualified" minOccurs="0"/>'
        f"</xsd:sequence></xsd:complexType></xsd:element></xsd:sequence></xsd:complexType></xsd:element>"
    )


def _segment(place: Place) -> str:
    fields = "".join(f'<xsd:element name="{name}" type="xsd:string" minOccurs="0"/>' for name in place.fields)
    below = "".join(map(_segment, place.below))
    least, most = ("1", "1") if place.mandatory else ("0", "unbounded")
    return (
        f'<xsd:element name="{place.name}" minOccurs="{least}" maxOccurs="{most}"><xsd:complexType>'
        f'<xsd:sequence>{fields}{below}</xsd:sequence><xsd:attribute name="SEGMENT" type="xsd:string" use="required"/>'
        f"</xsd:complexType></xsd:element>"
    )
