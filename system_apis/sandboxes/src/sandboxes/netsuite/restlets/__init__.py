"""RESTlets: scripts of the account's own, deployed under a number."""
