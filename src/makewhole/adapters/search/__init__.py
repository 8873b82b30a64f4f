"""The search index: documents come in, hits go out; and the readers that make documents of log files."""
