"""SOQL: text → tokens → tree → SQL for SQLite → records in the API's JSON shape."""
