"""Payment channels: one package a channel, each a `ports.Channel`, all run through one contract suite."""
