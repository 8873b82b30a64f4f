"""Taking changes back, on real servers: a shop that is made, harmed and mended through the command line alone."""
