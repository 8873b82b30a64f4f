"""Marketplaces: their account lines, read from the sandbox that checks every signature."""
