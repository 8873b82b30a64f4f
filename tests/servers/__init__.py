"""Real database servers for tests: got from packages, started on free ports, killed, started again on the same data."""
