"""Databases that backends or we ourselves keep records in: one SQL text, played on SQLite or PostgreSQL."""
