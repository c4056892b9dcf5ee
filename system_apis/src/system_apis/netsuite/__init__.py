"""Oracle NetSuite as the ERP, behind the `Erp` contract.

The five files of every backend, with settings and refusals apart (`settings`, `faults`). `connector` speaks REST and
SuiteQL, `jobs` asynchronous REST, `restlets` RESTlets and `soap` SuiteTalk SOAP; all share the account's slots.
`tokens` (OAuth 1.0a) and `machine_login` (OAuth 2.0 with a certificate) sign in.
"""

from shared.host.api import Api
from system_apis.netsuite.service import NetSuiteErp

__all__ = ["NetSuiteErp", "api"]

api = Api(service=NetSuiteErp, vendor="netsuite")
