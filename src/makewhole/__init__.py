"""Makewhole, the order recovery engine: finds broken orders, says why, makes them whole again within policy, and can prove what it did."""

__version__ = "0.1.0"
