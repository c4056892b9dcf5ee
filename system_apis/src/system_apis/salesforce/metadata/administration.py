"""What the platform contract lets administrators do to an org: define, deploy, watch."""

import base64
import binascii
from collections.abc import Mapping

from shared.binding.call_context import current_context
from shared.binding.problems import FieldError, Invalid
from shared.contracts.system.salesforce_definitions import Definitions, DefinitionsRefused, Deployment, Package
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.metadata.deployments import Deployments
from system_apis.salesforce.metadata.writing import package_of, pointers_of

_SPARE_SECONDS = 3.0
"""Of the deadline, for the last look and the answer."""
_SLUG = "salesforce_platform"


class Administration:
    """Changes the definitions of one org.

    Args:
        salesforce: The org.

    Attributes:
        patience: Seconds to wait for a deployment when the caller says nothing.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._deployments = Deployments(salesforce)
        self._version = salesforce.settings.api_version
        self.patience = 15.0

    async def define(self, definitions: Definitions) -> Deployment:
        """Make objects, fields, events and channels, all or none; what is there is brought in line.

        Raises:
            Invalid: Two definitions have one name; nothing was sent.
            DefinitionsRefused: The org refuses some; `errors` points at them.
            Problem: See `faults`.
        """
        operation = f"{_SLUG}.define"
        pointers = pointers_of(definitions)
        package = package_of(definitions, self._version)
        begun = await self._deployments.begin(
            package, operation, check_only=False, rollback_on_error=True, repeatable=True
        )
        found = await self._watched(begun, operation)
        if found.state == "failed":
            raise _refused(pointers, found)
        return found

    async def deploy(self, package: Package) -> Deployment:
        """Deploy a package and wait for a while; what failed is told component by component."""
        operation = f"{_SLUG}.deploy"
        begun = await self._deployments.begin(
            _content(package),
            operation,
            check_only=package.check_only,
            rollback_on_error=package.rollback_on_error,
            repeatable=package.check_only,
        )
        return await self._watched(begun, operation)

    async def look(self, deployment_id: str) -> Deployment:
        """How far a deployment is; `DeploymentNotFound` if there is none."""
        return await self._deployments.look(deployment_id, f"{_SLUG}.get_deployment")

    async def cancel(self, deployment_id: str) -> None:
        """Stop a deployment that has not ended."""
        await self._deployments.cancel(deployment_id, f"{_SLUG}.cancel_deployment")

    async def _watched(self, deployment_id: str, operation: str) -> Deployment:
        context = current_context()
        seconds = self.patience if context.wait is None else context.wait
        remaining = context.remaining()
        if remaining is not None:
            seconds = min(seconds, remaining - _SPARE_SECONDS)
        return await self._deployments.watch(deployment_id, operation, seconds)


def _content(package: Package) -> bytes:
    try:
        return base64.b64decode(package.content, validate=True)
    except binascii.Error:
        detail = "The content is not base64; send the zip with its package.xml in base64."
        raise Invalid(detail, errors=[FieldError(detail="not base64", pointer="/content")]) from None


def _refused(pointers: Mapping[str, str], deployment: Deployment) -> DefinitionsRefused:
    errors = [
        FieldError(detail=f"{each.name}: {each.problem}", pointer=pointers.get(each.name.lower()))
        for each in deployment.components
        if each.problem
    ]
    sentence = f"Salesforce refuses {len(errors)} of the definitions, so none was made"
    return DefinitionsRefused(f"{sentence} (deployment {deployment.deployment_id}).", errors=errors)
