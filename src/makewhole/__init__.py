"""Makewhole takes what every system of record says about an order and makes the broken ones whole again, with proof."""

__version__ = "0.1.0"
