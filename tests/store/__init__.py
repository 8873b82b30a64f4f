"""The store held to its port's contract on every database, killed at random, and audited."""
