"""Logs: what engine and adapters note comes in, lines on standard error go out; a traceback goes into a report file instead."""

from __future__ import annotations

import sys

import structlog

from makewhole.cli import report, start

SILENT, QUIET, TALKATIVE = "error", "warning", "info"
"""In an invented world trouble is the point, and not news; a person wants warnings; a service tells what it does."""


def listen(begun: start.Start, level: str = QUIET) -> None:
    """Standard output belongs to the result, so logs go to standard error: for people on a terminal, as JSON lines elsewhere."""

    def to_report(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        for name, value in event.items():
            if isinstance(value, str):
                event[name] = report.masked(value, begun)
        told = event.pop("exc_info", None)
        error = sys.exc_info()[1] if told is True else told
        if isinstance(error, BaseException):
            event["error"] = report.masked(f"{type(error).__name__}: {error}", begun)
            event["report"] = str(report.write(error, begun))
        return event

    people = sys.stderr.isatty()
    last = structlog.dev.ConsoleRenderer(colors=False) if people else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            to_report,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
