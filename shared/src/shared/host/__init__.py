"""Runs APIs: which ones, in which process, wired to what."""
