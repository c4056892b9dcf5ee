"""Oracle Fusion Cloud ERP behind the `Erp` contract.

The five files of every backend, with settings and refusals apart (`settings`, `faults`), and orders and returns apart
from the rest (`order_…`, `return_…`). `rest` and `soap` write what Oracle reads: parties, items, orders and credit
memos go over the REST framework, customer accounts over SOAP services. `resources` opens every resource to callers,
`ebs` an E-Business Suite beside the pod.
"""

from shared.host.api import Api
from system_apis.oracle.resources.service import OracleResources
from system_apis.oracle.service import OracleErp

__all__ = ["OracleErp", "OracleResources", "apis"]

apis = (Api(service=OracleErp, vendor="oracle"), Api(service=OracleResources, vendor="oracle", optional=True))
