"""Bulk API 2.0: jobs that load and extract records as CSV."""

from sandboxes.salesforce.bulk.work import Bulk

__all__ = ["Bulk"]
