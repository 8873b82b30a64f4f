"""What every sandbox channel shares: the truth about money, what goes wrong, the post that carries callbacks, the loopback server."""
