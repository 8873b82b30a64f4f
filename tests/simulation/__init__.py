"""Worlds that are broken on purpose: crash points, seeded trouble, planted bugs, and the demo's grade over many seeds."""
