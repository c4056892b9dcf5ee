"""Salesforce as the CRM behind the `Crm` contract, and whole; one session for all.

`SalesforcePlatform` opens the org's records, `SalesforceBulk` many of them at once, `SalesforceEvents` its events.
Settings are in `connector`, the wire's spelling in `records`, meaning in `translator`, refusals in `faults`; raw access
is in `platform`, loads and extracts are in `bulk`, events in `events`, what we may do in an org in `access`, whether
the org is still as we know it in `drift`.
"""

from shared.host.api import Api
from system_apis.salesforce.access import CrmAccess
from system_apis.salesforce.bulk.service import OrgBulk
from system_apis.salesforce.drift import CrmDrift
from system_apis.salesforce.events.access import EventsAccess
from system_apis.salesforce.events.service import OrgEvents
from system_apis.salesforce.platform.service import OrgPlatform
from system_apis.salesforce.service import SalesforceCrm

apis = (
    Api(service=SalesforceCrm, vendor="salesforce", access=CrmAccess, drift=CrmDrift),
    Api(service=OrgPlatform, vendor="salesforce"),
    Api(service=OrgEvents, vendor="salesforce", access=EventsAccess),
    Api(service=OrgBulk, vendor="salesforce"),
)
