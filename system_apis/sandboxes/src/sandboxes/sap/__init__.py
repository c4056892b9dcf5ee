"""SAP S/4HANA: the business services that sales needs, over OData version 2."""

from sandboxes.kit import Sandbox
from sandboxes.sap.app import create_app

sandbox = Sandbox(name="sap", create=create_app)

__all__ = ["create_app", "sandbox"]
