"""Rows of a PostgreSQL shop, written back: its tables' forms, the statements that compare and write, and the hand that runs them."""
