"""Reconciliation: what two books show, and that not a fen of either is lost."""
