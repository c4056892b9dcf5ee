"""Records: kept, read from requests, searched and shown."""
