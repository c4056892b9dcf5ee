"""Doors of administrators: deployments over REST, retrievals over SOAP, datasets of CRM Analytics."""

import base64
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import ClassVar

from salesforce_doors.door import Door, Midway, Point, World
from shared.binding.problems import Problem
from shared.contracts.system.salesforce_definitions import (
    DatasetNotFound,
    Definitions,
    Deployment,
    FieldDefinition,
    ObjectDefinition,
    Package,
)
from system_apis.salesforce.analytics.datasets import Datasets
from system_apis.salesforce.analytics.tables import Column
from system_apis.salesforce.metadata.administration import Administration
from system_apis.salesforce.metadata.deployments import Deployments
from system_apis.salesforce.metadata.retrieval import Retrieval
from system_apis.salesforce.metadata.writing import package_of


class Deploy(Door):
    """Definitions handed over as a package."""

    name = "metadata-deploy"
    points: ClassVar = {
        "begin": Point("POST", "*/metadata/deployRequest"), "look": Point("GET", "*/metadata/deployRequest/*"),
    }  # fmt: skip
    rollback = True

    def spoil(self) -> None:
        """One component is refused, and the org is to take the others."""
        self.rollback = False

    @property
    def object_name(self) -> str:
        return f"{self.key.replace('-', '')}__c"

    @property
    def wanted(self) -> Sequence[str]:
        return ["Code__c"]

    async def work(self, midway: Midway) -> None:
        administration = Administration(self.world.connector())
        administration.patience = 0.5
        await midway()
        package = base64.b64encode(package_of(self.definitions(), "66.0")).decode()
        self.told: Deployment = await administration.deploy(Package(package, rollback_on_error=self.rollback))
        if self.told.state == "running":  # the org has it, and says so later
            self.told = await Deployments(self.world.connector()).watch(self.told.deployment_id, "test", 10.0)

    def definitions(self) -> Definitions:
        fields = [FieldDefinition("Code__c", "Code", "Text")]
        if not self.rollback:
            fields.append(FieldDefinition("Bad__c", "Bad", "Lookup", refers_to="Nowhere__c"))
        return Definitions([ObjectDefinition(self.object_name, self.key, fields=fields)])

    async def found(self) -> Sequence[str]:
        names = {each["name"] for each in (await self.world.org.rest("GET", "/sobjects"))["sobjects"]}
        if self.object_name not in names:
            return []
        described = await self.world.org.rest("GET", f"/sobjects/{self.object_name}/describe")
        return [each["name"] for each in described["fields"] if each["custom"]]


class Retrieve(Door):
    """Definitions read as a package, the session in the envelope."""

    name = "metadata-retrieve"
    points: ClassVar = {
        "begin": Point("POST", "/services/Soap/m/*"),
        "look": Point("POST", "/services/Soap/m/*", after=1),
    }
    wanted = ("objects/Account.object", "package.xml")
    session_status = 500
    session_refusal: ClassVar = (
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><e:Fault>"
        "<faultcode>sf:INVALID_SESSION_ID</faultcode></e:Fault></e:Body></e:Envelope>"
    )
    _files: Sequence[str] = ()

    async def work(self, midway: Midway) -> None:
        retrieval = Retrieval(self.world.connector())
        await midway()
        self._files = sorted((await retrieval.retrieve({"CustomObject": ["Account"]})).files)

    async def found(self) -> Sequence[str]:
        return self._files


class Analytics(Door):
    """Rows appended to a dataset, and asked for; whoever is told that the org goes on with them waits."""

    name = "analytics"
    points: ClassVar = {
        "begin": Point("POST", "*/InsightsExternalData", at_start=True),
        "part": Point("POST", "*/InsightsExternalDataPart"), "process": Point("PATCH", "*/InsightsExternalData/*"),
        "look": Point("GET", "*/InsightsExternalData/*"),
    }  # fmt: skip
    spoilt = False

    def spoil(self) -> None:
        """A row that is still to come is refused."""
        self.spoilt = True

    @property
    def wanted(self) -> Sequence[str]:
        return ("2 15.5",) if self.spoilt else ("3 15.5",)

    def __init__(self, world: World, key: str) -> None:
        super().__init__(world, key)
        self.dataset = key.replace("-", "")
        self._upload = ""

    async def work(self, midway: Midway) -> None:
        columns = [Column("Id"), Column("Amount", "Numeric")]
        datasets = Datasets(self.world.connector())
        try:
            if self._upload:
                await datasets.finish(self._upload)
            else:
                await datasets.upload(self.dataset, columns, self._rows(midway), operation="Append")
        except Problem as problem:
            self._upload = problem.extensions.get("uploadId", "")
            raise

    async def _rows(self, midway: Midway) -> AsyncIterator[tuple[str, Decimal | str]]:
        for at, amount in enumerate(("10.5", "5", "0")):
            if at == 1:
                await midway()
            yield str(at), "no number" if self.spoilt and amount == "0" else Decimal(amount)

    async def found(self) -> Sequence[str]:
        asked = "q = load :data; q = group q by all; q = foreach q generate count() as 'n', sum('Amount') as 's';"
        try:
            rows = await Datasets(self.world.connector()).query(asked, datasets={"data": self.dataset})
        except DatasetNotFound:
            return []
        return [f"{row['n']} {row['s']}" for row in rows]
