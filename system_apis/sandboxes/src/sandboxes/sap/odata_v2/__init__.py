"""OData version 2 as SAP Gateway speaks it, driven by an entity model that is plain data."""
