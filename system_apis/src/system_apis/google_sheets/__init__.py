"""Tables over Google Sheets: API v4, signed in as a service account.

The five files of every backend, and `sign_in`, where tokens come from.
"""

from shared.host.api import Api
from system_apis.google_sheets.service import GoogleSheetsTables

__all__ = ["GoogleSheetsTables", "api"]

api = Api(service=GoogleSheetsTables, vendor="google_sheets")
