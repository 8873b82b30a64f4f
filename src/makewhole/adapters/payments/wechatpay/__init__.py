"""WeChat Pay APIv3, spoken directly: few calls, exact headers, raw bytes kept; no vendor SDK at run time."""
