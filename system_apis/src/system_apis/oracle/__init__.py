"""Oracle Fusion Cloud ERP behind the `Erp` contract.

The five files of every backend, with settings and refusals apart (`settings`, `faults`). `rest` and `soap` write
what Oracle reads: parties, items and orders go over the REST framework, customer accounts over SOAP services.
"""

from shared.host.api import Api

__all__ = ["apis"]

apis: tuple[Api, ...] = ()
