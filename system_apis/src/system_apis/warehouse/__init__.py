"""Warehouse over SQL: a warehouse management system that is reached through its SQLite or PostgreSQL database.

The five files of every backend, and `transactions`, which says what happens in one SQL text; `shared.sql` carries it
out on either database.
"""

from shared.host.api import Api
from system_apis.warehouse.service import SqlWarehouse

__all__ = ["SqlWarehouse", "api"]

api = Api(service=SqlWarehouse, vendor="wms")
