"""Sandbox worlds and our own engine put together in one process: the demo and the simulator."""
