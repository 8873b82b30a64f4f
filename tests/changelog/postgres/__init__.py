"""PostgreSQL's change log on a real server."""
