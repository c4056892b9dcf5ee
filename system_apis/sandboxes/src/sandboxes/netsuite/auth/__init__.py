"""Who may come in: token-based authentication (OAuth 1.0a), OAuth 2.0 machine to machine, the SOAP token passport."""
