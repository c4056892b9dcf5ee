"""The journal in SQLite: one file for the processes of one machine."""
