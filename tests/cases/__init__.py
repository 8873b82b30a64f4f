"""Told orders as tests."""
