"""The verbs: what the flow decides about orders, and that what it decides is done once."""
