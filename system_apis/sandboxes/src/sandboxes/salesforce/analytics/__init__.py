"""CRM Analytics: datasets from uploads, and SAQL over them."""

from sandboxes.salesforce.analytics.datasets import Datasets

__all__ = ["Datasets"]
