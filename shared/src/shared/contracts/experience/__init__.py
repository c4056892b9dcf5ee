"""Experience APIs: the shape each app needs."""
