"""Douyin's shop platform (抖店): signed questions to its open API."""
