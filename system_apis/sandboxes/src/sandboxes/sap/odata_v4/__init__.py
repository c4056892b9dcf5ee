"""OData version 4 as SAP Gateway speaks it, over the same rows and rules as the version 2 services."""
