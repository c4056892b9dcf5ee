"""SAP S/4HANA as the ERP: OData V2 behind the `Erp` contract.

The five files of every backend, with settings and refusals apart (`settings`, `faults`) and orders apart
from the rest (`order_…`). `odata`, `paths` and `batch` write what SAP reads; `credentials` keeps the session
that writes need.
"""

from shared.host.api import Api
from system_apis.sap.service import SapErp

__all__ = ["SapErp", "api"]

api = Api(service=SapErp, vendor="sap")
