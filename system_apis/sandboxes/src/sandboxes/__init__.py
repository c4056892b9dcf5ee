"""Stand-in backends that speak the vendors' wire protocols on loopback."""
