"""Changing what an org is made of: definitions as packages, deployments, retrievals, questions to the Tooling API."""
