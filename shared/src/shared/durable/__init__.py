"""Durable flows: plain async functions whose contract calls survive crashes, retries and partial failure."""
