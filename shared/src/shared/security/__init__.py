"""Who asks, may they, and how our own APIs prove who they are (RFC 9068, 8725, 8693, 7523, 6750)."""
