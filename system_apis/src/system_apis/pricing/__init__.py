"""Pricing over a JSON service: list prices, scales and agreements, kept as long as the service allows."""

from shared.host.api import Api
from system_apis.pricing.service import RestPricing

__all__ = ["RestPricing", "api"]

api = Api(service=RestPricing, vendor="pricing", optional=True)
