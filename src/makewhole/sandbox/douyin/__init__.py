"""Douyin's shop platform for rehearsals."""
