"""Orders by OData V4, where a system has that service."""
