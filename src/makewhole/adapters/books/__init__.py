"""Engines that books are reconciled on: DuckDB beside us, Spark beyond one machine."""
