"""What is true in any house: proofs, notes, money, keys, instants."""
