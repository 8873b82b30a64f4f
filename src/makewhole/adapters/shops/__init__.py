"""Shops: a shop file and a database go in, eyes that read it and hands that repair it come out."""
