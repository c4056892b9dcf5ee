"""Oracle E-Business Suite: OE_ORDER_PUB as a REST service of its Integrated SOA Gateway."""

from sandboxes.kit import Sandbox
from sandboxes.oracle_ebs.app import create_app

sandbox = Sandbox(name="oracle_ebs", create=create_app, deferred=True)

__all__ = ["create_app", "sandbox"]
