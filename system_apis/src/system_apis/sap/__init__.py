"""SAP S/4HANA as the ERP: OData V2 behind the `Erp` contract.

The five files of every backend, with settings and refusals apart (`settings`, `faults`) and orders apart
from the rest (`order_…`). `odata`, `paths` and `batch` write what SAP reads; `credentials` keeps the session
that writes need. `interfaces` says which of SAP's interfaces does what; IDocs, in both directions, are in `idoc`.
"""

from shared.host.api import Api
from system_apis.sap.idoc.service import SapDocuments
from system_apis.sap.service import SapErp

__all__ = ["SapDocuments", "SapErp", "apis"]

apis = (Api(service=SapErp, vendor="sap"), Api(service=SapDocuments, vendor="sap", optional=True))
