"""The `$metadata` document of a service: EDMX with SAP's annotations.

Source: CSDL 2.0 (schema namespace of 2008/09) as S/4HANA publishes it.
"""

from hashlib import md5
from xml.sax.saxutils import quoteattr

from sandboxes.sap.odata_v2.edm import EntitySet, FunctionImport, Navigation, Property, Service

_M = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"


def metadata_document(service: Service) -> bytes:
    """The EDMX of a service, UTF-8."""
    types = "".join(_entity_type(service, one) for one in service.sets.values())
    complexes = "".join(
        f'<ComplexType Name="{name}">{"".join(map(_complex_property, properties))}</ComplexType>'
        for name, properties in service.complex_types.items()
    )
    links = [(one, navigation) for one in service.sets.values() for navigation in one.navigations.values()]
    associations = "".join(_association(service, one, navigation) for one, navigation in links)
    container = (
        f'<EntityContainer Name="{service.name}_Entities" m:IsDefaultEntityContainer="true" '
        'sap:supported-formats="atom json xlsx">'
        + "".join(_set(service, one) for one in service.sets.values())
        + "".join(_association_set(service, one, navigation) for one, navigation in links)
        + "".join(_function(service, one) for one in service.functions.values())
        + "</EntityContainer>"
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" '
        f'xmlns:m="{_M}" xmlns:sap="http://www.sap.com/Protocols/SAPData">'
        '<edmx:DataServices m:DataServiceVersion="2.0">'
        f'<Schema Namespace="{service.name}" xml:lang="en" sap:schema-version="{service.version}" '
        f'xmlns="http://schemas.microsoft.com/ado/2008/09/edm">{types}{complexes}{associations}{container}</Schema>'
        "</edmx:DataServices></edmx:Edmx>"
    ).encode()


def _entity_type(service: Service, one: EntitySet) -> str:
    keys = "".join(f'<PropertyRef Name="{key}"/>' for key in one.keys)
    properties = "".join(_property(prop, one) for prop in one.properties.values())
    navigations = "".join(
        f'<NavigationProperty Name="{name}" Relationship="{service.name}.{role}" '
        f'FromRole="FromRole_{role}" ToRole="ToRole_{role}"/>'
        for name, role in ((navigation.name, _role(one, navigation)) for navigation in one.navigations.values())
    )
    return (
        f'<EntityType Name="{one.type_name}" sap:label={quoteattr(one.label)} sap:content-version="1">'
        f"<Key>{keys}</Key>{properties}{navigations}</EntityType>"
    )


def _property(prop: Property, one: EntitySet) -> str:
    attributes = _facets(prop) + (' Nullable="false"' if prop.name in one.keys else "")
    if prop.name == one.etag:
        attributes += ' ConcurrencyMode="Fixed"'
    if prop.unit:
        attributes += f' sap:unit="{prop.unit}"'
    if not prop.creatable or not one.creatable:
        attributes += ' sap:creatable="false"'
    if not prop.updatable or not one.updatable or prop.name in one.keys:
        attributes += ' sap:updatable="false"'
    return f'<Property Name="{prop.name}" {attributes} sap:label="{prop.name}"/>'


def _complex_property(prop: Property) -> str:
    return f'<Property Name="{prop.name}" {_facets(prop)} sap:label="{prop.name}"/>'


def _facets(prop: Property) -> str:
    facets = f'Type="{prop.type}"'
    if prop.max_length:
        facets += f' MaxLength="{prop.max_length}"'
    if prop.precision is not None:
        facets += f' Precision="{prop.precision}" Scale="{prop.scale}"'
    if prop.type == "Edm.DateTime":
        facets += ' Precision="0" sap:display-format="Date"'
    if prop.type == "Edm.DateTimeOffset":
        facets += ' Precision="7"'
    return facets


def _role(one: EntitySet, navigation: Navigation) -> str:
    # SAP names associations by a digest; any stable one will do, and nothing rests on its strength
    digest = md5(f"{one.name}/{navigation.name}".encode(), usedforsecurity=False).hexdigest()
    return f"assoc_{digest.upper()}"


def _association(service: Service, one: EntitySet, navigation: Navigation) -> str:
    role = _role(one, navigation)
    cardinality, target = "*" if navigation.many else "0..1", service.sets[navigation.target].type_name
    return (
        f'<Association Name="{role}" sap:content-version="1">'
        f'<End Type="{service.name}.{one.type_name}" Multiplicity="1" Role="FromRole_{role}"/>'
        f'<End Type="{service.name}.{target}" Multiplicity="{cardinality}" Role="ToRole_{role}"/>'
        "</Association>"
    )


def _set(service: Service, one: EntitySet) -> str:
    flags = "".join(
        f' sap:{name}="false"'
        for name, allowed in (("creatable", one.creatable), ("updatable", one.updatable), ("deletable", one.deletable))
        if not allowed
    )
    return f'<EntitySet Name="{one.name}" EntityType="{service.name}.{one.type_name}"{flags} sap:content-version="1"/>'


def _association_set(service: Service, one: EntitySet, navigation: Navigation) -> str:
    role = _role(one, navigation)
    return (
        f'<AssociationSet Name="{role}" Association="{service.name}.{role}" sap:content-version="1">'
        f'<End EntitySet="{one.name}" Role="FromRole_{role}"/>'
        f'<End EntitySet="{navigation.target}" Role="ToRole_{role}"/>'
        "</AssociationSet>"
    )


def _function(service: Service, one: FunctionImport) -> str:
    returns = f"{service.name}.{one.returns}"
    parameters = "".join(f'<Parameter Name="{prop.name}" {_facets(prop)} Mode="In"/>' for prop in one.parameters)
    return (
        f'<FunctionImport Name="{one.name}" ReturnType="{f"Collection({returns})" if one.many else returns}" '
        f'm:HttpMethod="{one.method}">{parameters}</FunctionImport>'
    )
