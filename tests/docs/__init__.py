"""Tests that keep the documentation true: links, commands, settings, words, laws."""
