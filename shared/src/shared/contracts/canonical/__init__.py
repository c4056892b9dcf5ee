"""The Canonical Data Model: what a customer, a quote or an order is, whichever system holds it."""
