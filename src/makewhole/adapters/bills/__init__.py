"""Channels' bills: bytes in, a book of lines out, or a refusal that says why and where. Each format is one file of this folder."""
