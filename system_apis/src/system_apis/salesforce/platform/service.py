"""The platform contract on the REST API."""

import msgspec

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.contracts.system.salesforce_platform import (
    Allowance,
    Limits,
    ObjectDescription,
    ObjectSummary,
    SalesforcePlatform,
)
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.platform.calls import OrgCalls, decoded
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.refusals import OrgRefused


class _Allowance(msgspec.Struct, frozen=True, rename="pascal"):
    """One entry of `/limits`; apps with allowances of their own nest further ones, which are not passed on."""

    max: int
    remaining: int


_limits = msgspec.json.Decoder(dict[str, _Allowance])


class OrgPlatform(SalesforcePlatform):
    """Every object of one Salesforce org.

    Args:
        salesforce: The org.
        describe: What it says of its objects.
    """

    def __init__(self, salesforce: SalesforceConnector, describe: Describe) -> None:
        self._calls = OrgCalls(salesforce)
        self._describe = describe

    async def list_objects(self, cursor: str | None = None, limit: int = 50) -> Page[ObjectSummary]:
        """See `SalesforcePlatform.list_objects`."""
        after = "" if cursor is None else decode_cursor(cursor, str)
        found = [each for each in await self._describe.objects() if each.name > after]
        return Page(found[:limit], encode_cursor(found[limit - 1].name) if len(found) > limit else None)

    async def describe_object(self, sobject: str) -> ObjectDescription:
        """See `SalesforcePlatform.describe_object`."""
        return await self._describe.object(sobject)

    async def get_limits(self) -> Limits:
        """See `SalesforcePlatform.get_limits`."""
        try:
            reply = await self._calls.send("GET", "/limits", "salesforce_platform.get_limits")
        except OrgRefused as refused:
            raise refused.problem from None
        found = decoded(_limits, reply)
        return Limits({name: Allowance(each.max, each.remaining) for name, each in sorted(found.items())})
