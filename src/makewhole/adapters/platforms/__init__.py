"""Marketplaces: what they say of the shop's account with them."""
