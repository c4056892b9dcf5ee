"""The messages of eventbus.v1, as Salesforce publishes the interface.

They are made at run time out of a descriptor, so a type checker cannot see them.
"""

from importlib import import_module
from typing import Any

pb: Any = import_module("sfprotostash.pubsub_api_pb2")
pb_grpc: Any = import_module("sfprotostash.pubsub_api_pb2_grpc")
