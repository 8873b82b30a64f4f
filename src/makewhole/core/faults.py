"""What may be done about an error. Connectors translate every foreign error into one of these, the original chained.

Fault
├── Rejected        understood and said no          -> plan again
├── Unavailable     nothing happened, we know it    -> later, the same again
├── Indeterminate   it may have happened            -> look first, never act again blindly (law 4)
└── Defect          our own mistake                 -> stop this run, wake a person
    └── Credentials who we say we are is refused    -> true of every order: stop asking there, say so once
"""

from __future__ import annotations

from makewhole.core import cards


class Fault(Exception):
    """Base of the four; `code` is the foreign system's own word for it, if it had one.

    `why` often quotes a foreign system, and ends up in runs, cases and questions: no card's number comes in that way.
    """

    def __init__(self, why: str, *, code: str | None = None) -> None:
        self.why = cards.masked(why)
        super().__init__(self.why)
        self.code = code


class Rejected(Fault):
    """The other side understood and said no. Nothing changed there."""


class Unavailable(Fault):
    """It did not happen, and we know it: refused connection, rate limit before the act, lock not got."""


class Indeterminate(Fault):
    """It may have happened: a lost answer, a broken signature on the answer, a server's own confusion."""


class Defect(Fault):
    """We are wrong: an impossible state, an unusable credential, a broken invariant."""


class Credentials(Defect):
    """The other side does not accept our key, number, certificate or clock: no order can go on there until a person mends it.

    Nothing happened: whoever is not known is not listened to.
    """


class BadInput(Exception):
    """What the user gave cannot be used. Says what, where and what to do; exit code 2."""

    def __init__(self, what: str, *, where: str, todo: str) -> None:
        self.what, self.where, self.todo = cards.masked(what), where, todo
        super().__init__(f"{self.what} (in {where}). {todo}")
