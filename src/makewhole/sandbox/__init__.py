"""A whole small world to break on purpose: a shop and a channel that speak their real protocols, with faults from one seed."""
