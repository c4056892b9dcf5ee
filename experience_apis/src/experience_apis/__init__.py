"""Experience APIs: one folder per app; each folder's `api` object is found by the host."""
