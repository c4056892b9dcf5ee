"""Durable flows of this process as operators see them."""

from process_apis.flow_operations.service import OperatedFlows
from shared.host.api import Api

api = Api(service=OperatedFlows)
