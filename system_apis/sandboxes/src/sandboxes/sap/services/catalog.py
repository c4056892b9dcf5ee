"""The catalogue service: which services this system has."""

from collections.abc import Sequence

from sandboxes.sap.odata_v2.edm import Row, Service, entity_set

CATALOG = Service(
    name="CATALOGSERVICE",
    title="Catalog Service Version 2",
    namespace="IWFND",
    version=2,
    suffix=";v=2",
    sets={
        one.name: one
        for one in (
            entity_set(
                "ServiceCollection",
                "ID",
                "ID:128 Description:60 Title:60 Author:12 TechnicalServiceVersion:int MetadataUrl: "
                "TechnicalServiceName:35 ImageUrl: ServiceUrl: UpdatedDate:date ReleaseStatus:30 "
                "IsSapService:bool",
            ),
        )
    },
)


def catalog_rows(services: Sequence[Service]) -> list[Row]:
    """One row per service; URLs are paths on this system."""
    return [
        {
            "ID": f"Z{one.name}_{one.version:04d}",
            "Description": one.title,
            "Title": one.name,
            "Author": "SAP",
            "TechnicalServiceVersion": one.version,
            "TechnicalServiceName": one.name,
            "MetadataUrl": f"{one.root}/$metadata",
            "ServiceUrl": one.root,
            "ReleaseStatus": "RELEASED",
            "IsSapService": True,
        }
        for one in services
    ]
