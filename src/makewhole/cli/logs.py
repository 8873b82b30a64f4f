"""Logs: what engine and adapters note comes in, lines on standard error go out; a traceback goes into a report file instead.

Whatever speaks, our own parts or a library with Python's logging, passes one door: no secret and no card's number goes out by it.
"""

from __future__ import annotations

import logging
import sys
import threading

import structlog

from makewhole.cli import report, start
from makewhole.core import cards

SILENT, QUIET, TALKATIVE = "error", "warning", "info"
"""In an invented world trouble is the point, and not news; a person wants warnings; a service tells what it does."""
_OWN = frozenset({"order", "number", "shop", "timestamp", "level"})
"""Words under which our parts log a system's own numbers."""


def listen(begun: start.Start, level: str = QUIET) -> None:
    """Standard output belongs to the result, so logs go to standard error: for people on a terminal, as JSON lines elsewhere."""

    def to_report(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        told = event.pop("exc_info", None)
        for name, value in event.items():
            event[name] = _said(name, value, begun)
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
    root = logging.getLogger()
    root.handlers = [*(h for h in root.handlers if not isinstance(h, _Libraries)), _Libraries()]
    threading.excepthook = _of_thread


class _Libraries(logging.Handler):
    """What a library logs, told as our own parts tell it: by itself Python prints the message and a traceback of its error as they are."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        say = structlog.get_logger().error if record.levelno >= logging.ERROR else structlog.get_logger().warning
        say(record.getMessage(), library=record.name, exc_info=error)


def _of_thread(told: threading.ExceptHookArgs) -> None:
    """A thread that died of an error which nobody caught."""
    if told.exc_type is SystemExit:
        return
    name = "" if told.thread is None else told.thread.name
    structlog.get_logger().error("a thread died", thread=name, exc_info=told.exc_value)


def _said(name: str, value: object, begun: start.Start) -> object:
    """A value of an event as it may be logged; what is no JSON is logged as its text, which is looked at too."""
    if name in _OWN or value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return report.masked(value, begun)
    if isinstance(value, int | dict | list | tuple):
        return cards.cleaned(value, key=name)
    return report.masked(str(value), begun)
