"""CRM Analytics: rows become datasets, and SAQL asks them (Analytics External Data API, CRM Analytics REST API)."""
