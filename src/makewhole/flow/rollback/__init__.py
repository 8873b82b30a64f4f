"""Taking changes back, decided: images go in, one net change a row comes out, or why it is left alone. Pure."""
