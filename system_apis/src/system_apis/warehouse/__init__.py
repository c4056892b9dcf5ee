"""Warehouse over SQL: a warehouse management system that is reached through its SQLite or PostgreSQL database.

The five files of every backend, and three that only a database needs: `transactions` says what happens, in one
SQL text, and `sqlite_driver` and `postgres_driver` carry it out.
"""

from shared.host.api import Api
from system_apis.warehouse.service import SqlWarehouse

__all__ = ["SqlWarehouse", "api"]

api = Api(service=SqlWarehouse, vendor="wms")
