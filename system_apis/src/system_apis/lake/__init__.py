"""Data warehouse over a folder of Parquet files, written and queried by DuckDB.

The five files of every backend, `folder`, which is the layout of the files and how they come to be there whole, and
`session`, which is DuckDB.
"""

from shared.host.api import Api
from system_apis.lake.service import LakeDataWarehouse

__all__ = ["LakeDataWarehouse", "api"]

api = Api(service=LakeDataWarehouse, vendor="lake")
