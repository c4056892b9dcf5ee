"""Process APIs: durable business flows over contracts; each folder's `api` object is found by the host."""
