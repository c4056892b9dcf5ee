"""Marketing over Marketo Engage's REST API: people by e-mail address, and custom activities as engagements."""

from shared.host.api import Api
from system_apis.marketo.service import MarketoMarketing

__all__ = ["MarketoMarketing", "api"]

api = Api(service=MarketoMarketing, vendor="marketo")
