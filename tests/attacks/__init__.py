"""Attacks on callbacks, refunds and amounts that need a whole world; those that the channel's own code refuses are in tests/payments."""
