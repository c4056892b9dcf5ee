"""How a contract becomes code: declaration, routes, HTTP client, in-process client, problems, call context."""
