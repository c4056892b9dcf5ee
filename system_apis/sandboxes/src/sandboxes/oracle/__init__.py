"""Oracle Fusion Cloud ERP: the REST resources that sales needs, over the ADF REST framework."""

from sandboxes.kit import Sandbox
from sandboxes.oracle.app import create_app
from sandboxes.oracle.identity import CLIENT_ID, KEY_ID, SCOPE, USER, development_key

sandbox = Sandbox(name="oracle", create=create_app, deferred=True)

__all__ = ["CLIENT_ID", "KEY_ID", "SCOPE", "USER", "create_app", "development_key", "sandbox"]
