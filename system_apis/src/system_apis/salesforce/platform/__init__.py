"""Raw access to an org: descriptions, rows, queries, search, and any mix of writes in as few calls as serve."""
