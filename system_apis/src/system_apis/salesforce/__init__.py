"""Salesforce as the CRM: REST, SOQL and Composite behind the `Crm` contract.

Settings are in `connector`, the wire's spelling in `records`, meaning in `translator`, refusals in `faults`.
"""

from shared.host.api import Api
from system_apis.salesforce.service import SalesforceCrm

api = Api(service=SalesforceCrm, vendor="salesforce")
