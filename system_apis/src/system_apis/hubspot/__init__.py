"""Marketing over HubSpot's CRM API v3: contacts by e-mail address, and notes as engagements."""

from shared.host.api import Api
from system_apis.hubspot.service import HubSpotMarketing

__all__ = ["HubSpotMarketing", "api"]

api = Api(service=HubSpotMarketing, vendor="hubspot")
