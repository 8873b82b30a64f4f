"""The movers: they call the verbs, and touch the world between them only through `ports`."""
