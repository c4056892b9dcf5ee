"""What every tier of Triptych stands on: contracts, binding, security, resilience, durable flows, host."""
