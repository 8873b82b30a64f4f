"""Lychee Pay: a channel that nobody has. What a new channel takes is in the three files here, and a line for each in three registries."""
