"""How we get into an org: every OAuth 2.0 flow that Salesforce has (Salesforce Help, "OAuth Authorization Flows").

`sessions` makes the credentials of the connector from its settings: JWT bearer, client credentials, refresh token or
username-password. `web_server`, `device` and `user_agent` need a person; `python -m system_apis.salesforce.oauth`
leads one through and keeps the refresh token that a connector with `auth = "refresh-token"` then lives on.
"""
