"""The program: arguments come in, one command is loaded and run, and every way it can end becomes an exit code and a clear word."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

import click

import makewhole
from makewhole.cli import exits, options, start, words

COMMANDS = (
    "demo",
    "attach",
    "scan",
    "show",
    "history",
    "rollback",
    "recover",
    "reconcile",
    "serve",
    "search",
    "images",
    "simulate",
    "policy",
    "doctor",
)
"""In the order that a newcomer meets them; each is a module beside this one, imported when asked for."""


class Program(click.Group):
    """The group of all commands; the help is made from the catalogue, so that asking for it imports no command."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - click's own signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - the same
        **extra: Any,
    ) -> NoReturn:
        """Run, and leave with an exit code whatever happens."""
        arguments = tuple(sys.argv[1:] if args is None else args)
        for stream in (sys.stdout, sys.stderr):
            # A locale without Chinese letters must not turn a finding into a crash.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        begun, name = start.start(arguments), prog_name or "makewhole"
        self._main_shell_completion(extra, name, complete_var)
        try:
            with self.make_context(name, list(arguments), obj=begun, **extra) as ctx:
                code = self.invoke(ctx)
            sys.stdout.flush()
        except click.exceptions.Exit as leaving:
            sys.exit(leaving.exit_code)
        except BrokenPipeError:
            # The interpreter flushes once more at its end, and would complain again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(exits.Exit.PIPE_CLOSED)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the process's edge: every way out has a code and a word
            from makewhole.cli import mishap

            sys.exit(mishap.tell(error, begun))
        sys.exit(code if isinstance(code, int) else exits.Exit.FINE)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All of them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"makewhole.cli.{cmd_name}")
        made = module.command(_say(ctx))
        if not isinstance(made, click.Command):
            raise TypeError(f"{cmd_name} is no command")
        return made

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, or the ones that were probably meant."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            close = get_close_matches(name, COMMANDS, n=2)
            hint = _say(ctx)("wrong.did-you-mean", names=", ".join(close)) if close else ""
            raise click.UsageError(" ".join(filter(None, (_say(ctx)("wrong.no-such-command", name=name), hint))), ctx)
        return super().resolve_command(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Options before the command."""
        say = _say(ctx)
        version = click.Option(
            ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version, help=say("option.version")
        )
        return [options.lang(say), version, options.help_option(say)]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line."""
        formatter.write_usage(ctx.command_path, _say(ctx)("help.command-args"), f"{_say(ctx)('help.usage')} ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What Makewhole is."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_say(ctx)("help.program"))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands first: they are what a newcomer looks for."""
        say = _say(ctx)
        with formatter.section(say("help.commands")):
            formatter.write_dl([(name, say(f"short.{name}")) for name in COMMANDS])
        records = [r for p in self.get_params(ctx) if (r := p.get_help_record(ctx)) is not None]
        with formatter.section(say("help.options")):
            formatter.write_dl(records)
        with formatter.section(say("help.exit-codes")):
            formatter.write_dl([(str(code), say(f"exit.{code}")) for code in (0, 1, 2, 3, 4, 70)])


def _say(ctx: click.Context) -> words.Say:
    begun = ctx.find_root().obj
    return begun.say if isinstance(begun, start.Start) else start.start(()).say


def _version(ctx: click.Context, _: click.Parameter, asked: object) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(f"makewhole {makewhole.__version__}")
        ctx.exit()


PROGRAM = Program("makewhole", no_args_is_help=True, add_help_option=False)
