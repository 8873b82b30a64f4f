"""Douyin Pay for direct merchants, spoken directly: APIv3 under other names; no vendor SDK at run time."""
