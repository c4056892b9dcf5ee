"""System APIs: one folder per backend; each folder's `api` object is found by the host."""
