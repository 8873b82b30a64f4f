"""The change log: what servers wrote is what we read."""
