"""`makewhole serve` as a process of its own, between a payment channel and a shop on loopback."""
