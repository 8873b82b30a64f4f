"""Tests of payment channels, driven against the sandbox's counterparts in process and over loopback."""
