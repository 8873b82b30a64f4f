"""Bills: what is read, and what is refused whole."""
