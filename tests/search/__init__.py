"""Search: one contract for every index, the readers of logs, the feeds, the command."""
