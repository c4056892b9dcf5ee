"""What we may do in a backend, and whether the backend is still as we know it."""
