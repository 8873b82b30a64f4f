"""PostgreSQL's change log: logical decoding through the server's own plugin pgoutput, read as a subscriber would, kept in an archive."""
