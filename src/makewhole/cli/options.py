"""Options: the ones that several commands share, built in the reader's language; and commands whose help speaks it too."""

from __future__ import annotations

import click

from makewhole.cli import words

LANGUAGES = ("zh", "en")


class Command(click.Command):
    """A command that explains itself in the reader's language."""

    def __init__(self, name: str, say: words.Say, *, params: list[click.Parameter], callback: object) -> None:
        if not callable(callback):
            raise TypeError(f"{name} has nothing to call")
        super().__init__(name, params=[*params, lang(say)], callback=callback, help=say(f"help.{name}"), add_help_option=False)
        self.params.append(_help(say))
        self._say = say

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line: how it is typed."""
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), f"{self._say('help.usage')} ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options under their own head."""
        records = [record for param in self.get_params(ctx) if (record := param.get_help_record(ctx)) is not None]
        with formatter.section(self._say("help.options")):
            formatter.write_dl(records)


class Group(click.Group):
    """A command that does its own work and has others under it; its help speaks the reader's language too."""

    def __init__(self, name: str, say: words.Say, *, params: list[click.Parameter], callback: object) -> None:
        if not callable(callback):
            raise TypeError(f"{name} has nothing to call")
        super().__init__(
            name,
            params=[*params, lang(say)],
            callback=callback,
            help=say(f"help.{name}"),
            add_help_option=False,
            invoke_without_command=True,
        )
        self.params.append(_help(say))
        self._say = say

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line: how it is typed."""
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), f"{self._say('help.usage')} ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, then the commands, each under its head."""
        records = [record for param in self.get_params(ctx) if (record := param.get_help_record(ctx)) is not None]
        with formatter.section(self._say("help.options")):
            formatter.write_dl(records)
        with formatter.section(self._say("help.commands")):
            formatter.write_dl([(name, self._say(f"short.{name}")) for name in self.commands])


def lang(say: words.Say) -> click.Option:
    """`--lang`: read before parsing, because the help itself must know it; declared so that it is checked and shown."""
    return click.Option(["--lang"], type=click.Choice(LANGUAGES), expose_value=False, help=say("option.lang"))


def _help(say: words.Say) -> click.Option:
    def show(ctx: click.Context, _: click.Parameter, asked: object) -> None:
        if asked and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()

    return click.Option(["--help"], is_flag=True, is_eager=True, expose_value=False, callback=show, help=say("option.help"))


def help_option(say: words.Say) -> click.Option:
    """`--help` for the group."""
    return _help(say)


def config(say: words.Say) -> click.Option:
    """`--config`."""
    return click.Option(["--config"], metavar="FILE", help=say("option.config"))


def attached(say: words.Say) -> list[click.Parameter]:
    """To which shop: `--config`, `--database`, `--shop`."""
    return [
        config(say),
        click.Option(["--database"], metavar="URL", help=say("option.database")),
        click.Option(["--shop"], metavar="FILE|NAME", help=say("option.shop")),
    ]


def as_json(say: words.Say) -> click.Option:
    """`--json`."""
    return click.Option(["--json", "as_json"], is_flag=True, help=say("option.json"))


def at(say: words.Say) -> click.Option:
    """`--at`."""
    return click.Option(["--at"], metavar="INSTANT", help=say("option.at"))
