"""Reconciliation: two books in; pairs, breaks and sums out, as one relational expression that DuckDB and Spark both run."""
