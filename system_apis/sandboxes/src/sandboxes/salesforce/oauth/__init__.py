"""How apps and people get into the org: every OAuth flow it has, and what their tokens stand for."""
