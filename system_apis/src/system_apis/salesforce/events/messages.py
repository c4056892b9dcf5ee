"""The messages and calls of eventbus.v1, as Salesforce publishes the interface.

They are made at run time out of a descriptor, so a type checker cannot see them. gRPC takes long to load: import this
where the Pub/Sub API is first used, not with the connector.
"""

import os
from importlib import import_module
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # the rest is no JSON, and streams that break are in our own log
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # its fork handlers can abort a child before it begins
grpc: Any = import_module("grpc")
aio: Any = import_module("grpc.aio")
pb: Any = import_module("sfprotostash.pubsub_api_pb2")
pb_grpc: Any = import_module("sfprotostash.pubsub_api_pb2_grpc")
