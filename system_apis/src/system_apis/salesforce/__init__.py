"""Salesforce as the CRM behind the `Crm` contract, and whole, behind `SalesforcePlatform`; one session for both.

Settings are in `connector`, the wire's spelling in `records`, meaning in `translator`, refusals in `faults`; raw access
is in `platform`.
"""

from shared.host.api import Api
from system_apis.salesforce.platform.service import OrgPlatform
from system_apis.salesforce.service import SalesforceCrm

apis = (Api(service=SalesforceCrm, vendor="salesforce"), Api(service=OrgPlatform, vendor="salesforce"))
