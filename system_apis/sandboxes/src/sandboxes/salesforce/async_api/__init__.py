"""Bulk API 1.0: jobs of batches in XML, CSV or JSON, with a session header of its own."""
