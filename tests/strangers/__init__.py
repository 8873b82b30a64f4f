"""Foreign libraries as oracles, each in its own environment: what we sign they must accept, what they send we must answer."""
