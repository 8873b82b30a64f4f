"""What the network sees: the callback relay now, the API and the console later. Shows and asks, never decides."""
