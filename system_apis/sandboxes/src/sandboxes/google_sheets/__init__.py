"""Google Sheets API v4: values of spreadsheets that are shared with one service account, read, put and appended.

A formula is kept and never worked out: it reads as `#NAME?`, or as itself with `valueRenderOption=FORMULA`. Control
`rate-limit` (`{"per_minute": n}`) makes 429 happen; Google's own limit is 60 reads and 60 writes a minute and user.
`SANDBOX_GOOGLE_SHEETS_PUBLIC_KEY_FILE` names the PEM whose key signs in; without it there is `development_key`.
"""

from sandboxes.google_sheets.api import create_app
from sandboxes.google_sheets.seed import CLIENT_EMAIL, SPREADSHEET
from sandboxes.google_sheets.sign_in import development_key
from sandboxes.kit import Sandbox

__all__ = ["CLIENT_EMAIL", "SPREADSHEET", "development_key", "sandbox"]

sandbox = Sandbox(name="google_sheets", create=create_app, deferred=True)
