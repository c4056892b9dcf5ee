"""The Pub/Sub API: gRPC over TLS, Avro inside.

Nothing here is imported before the first moments of the org are over: gRPC takes longer to load than the org itself.
"""
