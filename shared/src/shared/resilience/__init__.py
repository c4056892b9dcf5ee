"""Staying up while backends, callers and machines do not: limits, deadlines, breakers, repeats."""
