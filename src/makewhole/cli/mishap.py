"""Mishaps: an error that reached the process's edge comes in; one message (what, where, what to do) and an exit code go out."""

from __future__ import annotations

import errno
import sys

import click

from makewhole.cli import exits, report, start, words
from makewhole.core import faults
from makewhole.ports import accounts

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""A disk that takes nothing more is nobody's mistake of programming."""


def tell(error: BaseException, begun: start.Start) -> exits.Exit:
    """Say on standard error what happened, without a secret and without a traceback, and how to leave."""
    say = begun.say
    match error:
        case click.exceptions.Exit(exit_code=code):
            return exits.Exit(code)
        case click.Abort() | KeyboardInterrupt():
            _print("", say("wrong.interrupted"))
            return exits.Exit.INTERRUPTED
        case click.ClickException():
            _print(*_usage(error, say))
            return exits.Exit.WRONG_USE
        case faults.BadInput(what=what, where=where, todo=todo):
            _print(*_three(say, "wrong.input", report.masked(what, begun), where, todo))
            return exits.Exit.WRONG_USE
        case accounts.Altered(record=record, channel=channel):
            todo = say("wrong.altered-todo", channel=channel or "CHANNEL")
            _print(*_three(say, "wrong.altered", report.masked(record, begun), channel or "", todo))
            return exits.Exit.INCOMPLETE
        case faults.Defect(why=why, code=str(code)):
            # A foreign system's own word for it: not our code is wrong but our key, certificate, account or clock there.
            _print(*_three(say, "wrong.credentials", report.masked(why, begun), code, say("doctor.credentials-todo")))
            return exits.Exit.WRONG_USE
        case faults.Rejected(why=why, code=code):
            _print(*_three(say, "wrong.rejected", report.masked(why, begun), code or "", say("wrong.rejected-todo")))
            return exits.Exit.WRONG_USE
        case faults.Unavailable(why=why, code=code):
            _print(*_three(say, "wrong.unavailable", report.masked(why, begun), code or "", say("wrong.unavailable-todo")))
            return exits.Exit.INCOMPLETE
        case faults.Indeterminate(why=why, code=code):
            _print(*_three(say, "wrong.indeterminate", report.masked(why, begun), code or "", say("wrong.indeterminate-todo")))
            return exits.Exit.INCOMPLETE
        case OSError(errno=number) if number in _NO_ROOM or "temporary directory" in str(error):
            _print(*_three(say, "wrong.input", str(error), error.filename or "", say("wrong.no-room-todo")))
            return exits.Exit.WRONG_USE
        case _:
            written = report.write(error, begun)
            what = report.masked(f"{type(error).__name__}: {error}", begun)
            _print(*_three(say, "wrong.defect", what, str(written), say("wrong.defect-todo")))
            return exits.Exit.DEFECT


def _three(say: words.Say, head: str, what: str, where: str, todo: str) -> tuple[str, ...]:
    lines = [f"{say(head)} {what}"]
    if where:
        lines.append(f"  {say('wrong.where')} {where}")
    if todo:
        lines.append(f"  {say('wrong.todo')} {todo}")
    return tuple(lines)


def _usage(error: click.ClickException, say: words.Say) -> tuple[str, ...]:
    """Click's own complaints, in the reader's language where we know what they are."""
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx is not None else "makewhole"
    todo = say("wrong.usage-todo", command=path)
    match error:
        case click.NoSuchOption(option_name=name, possibilities=close):
            hint = say("wrong.did-you-mean", names=", ".join(sorted(close))) if close else ""
            what = " ".join(filter(None, (say("wrong.no-such-option", name=name), hint)))
        case click.MissingParameter(param=param):
            what = say("wrong.missing", name=_name(param, error))
        case click.BadParameter(param=param):
            what = say("wrong.bad-value", name=_name(param, error), why=error.message)
        case _:
            what = error.format_message()
    return _three(say, "wrong.input", what, path, todo)


def _name(param: click.Parameter | None, error: click.UsageError) -> str:
    if param is None:
        return str(getattr(error, "param_hint", "") or "?")
    return param.opts[0] if isinstance(param, click.Option) else param.make_metavar(error.ctx) if error.ctx else str(param.name)


def _print(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)
