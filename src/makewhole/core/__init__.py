"""What is true in any house: money, instants, keys, bytes, faults, proofs. Imports nothing but itself."""
