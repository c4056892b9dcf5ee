"""Messages that may arrive twice, and the logs that they are read from."""
