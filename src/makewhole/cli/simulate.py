"""`makewhole simulate`: seeded worlds with faults and crashes; every law is checked in each, and what fails can be played again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import click

from makewhole.cli import exits, logs, options, progress, session, start, words
from makewhole.rehearsal import simulate
from makewhole.sandbox import laws

WORLDS_MAX = 10_000_000


@dataclass(kw_only=True)
class Sum:
    """What the worlds came to; with `say`-free names, because it is the JSON too."""

    seed: int
    worlds: int = 0
    orders: int = 0
    broken: int = 0
    places: int = 0
    kills: int = 0
    laws_broken: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, played: simulate.Played) -> None:
        """Count one world."""
        self.worlds += 1
        self.orders += played.grade.orders
        self.broken += played.grade.broken
        self.places += played.places
        self.kills += played.kills
        self.laws_broken.update(b.law for b in played.breaches)
        if played.breaches:
            self.failures.append(failure(played))

    def document(self) -> dict[str, Any]:
        """The JSON of `simulate`."""
        return {
            "seed": self.seed,
            "worlds": self.worlds,
            "failed": len(self.failures),
            "orders": self.orders,
            "broken": self.broken,
            "places": self.places,
            "kills": self.kills,
            "laws_broken": {name: self.laws_broken[name] for name in laws.NAMES},
            "failures": self.failures,
        }


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    params: list[click.Parameter] = [
        click.Option(["--seed"], type=click.IntRange(0), default=1, show_default=True, help=say("option.first-seed")),
        click.Option(["--worlds"], type=click.IntRange(1, WORLDS_MAX), default=20, show_default=True, help=say("option.worlds")),
        options.as_json(say),
    ]
    return options.Command("simulate", say, params=params, callback=click.pass_obj(run))


def run(begun: start.Start, /, *, seed: int, worlds: int, as_json: bool) -> int:
    """Play them one after another; a world that fails is told at once."""
    now = session.Session(begun, as_json=as_json)
    out, say = now.out, now.say
    logs.listen(begun, logs.SILENT)
    total = Sum(seed=seed)
    if not as_json:
        out.line(say("simulate.opens", worlds=worlds, first=seed, last=seed + worlds - 1))
    with progress.Progress() as bar:
        for played in simulate.many(seed, worlds):
            total.add(played)
            if played.breaches:
                bar.clear()
                _tell(now, played)
            bar.at(say("simulate.plays", failed=len(total.failures)), total.worlds, worlds)
    if as_json:
        out.document(total.document())
    else:
        _show(now, total)
    return exits.Exit.BROKEN if total.failures else exits.Exit.FINE


def reproduce(seed: int) -> str:
    """The command line that plays this world again."""
    return f"makewhole simulate --seed {seed} --worlds 1"


def failure(played: simulate.Played) -> dict[str, Any]:
    """A failing world in JSON."""
    return {
        "seed": played.seed,
        "reproduce": reproduce(played.seed),
        "breaches": [{"law": b.law, "says": b.says} for b in played.breaches],
        "faults": list(played.swarm.names()),
        "trace": played.trace,
    }


def _tell(now: session.Session, played: simulate.Played) -> None:
    """A failing world for people, on standard error: where it went, which law it broke, how to see it again."""
    out, say = now.out, now.say
    for line in played.trace:
        out.note(f"    {line}")
    for breach in played.breaches:
        out.note(say("simulate.breach", seed=played.seed, law=say(f"law.{breach.law}"), says=breach.says), "red")
    out.note(say("simulate.faults", faults=", ".join(played.swarm.names()) or "–"))
    out.note(say("simulate.again", command=reproduce(played.seed)), "bold")


def _show(now: session.Session, total: Sum) -> None:
    """Law by law, then the sum."""
    out, say = now.out, now.say
    rows = [(say(f"law.{name}"), str(total.laws_broken[name])) for name in laws.NAMES]
    out.table((say("simulate.law"), say("simulate.times-broken")), rows)
    counts = {"worlds": total.worlds, "orders": total.orders, "broken": total.broken, "places": total.places, "kills": total.kills}
    out.line(say("simulate.sum", **counts))
    failed = len(total.failures)
    if not failed:
        out.line(say("simulate.kept"), "bold green")
        return
    seeds = ", ".join(str(f["seed"]) for f in total.failures)
    out.line(say("simulate.failed", failed=failed, seeds=seeds), "bold red")
