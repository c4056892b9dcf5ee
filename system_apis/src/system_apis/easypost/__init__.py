"""Logistics over EasyPost's API v2: rates, labels, tracking and refunds of many carriers."""

from shared.host.api import Api
from system_apis.easypost.service import EasyPostLogistics

__all__ = ["EasyPostLogistics", "api"]

api = Api(service=EasyPostLogistics, vendor="easypost")
