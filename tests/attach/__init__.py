"""Attach, tested on mall, on a shop of the sandbox and on schemas made up in many styles."""
