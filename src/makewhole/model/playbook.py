"""Which remedies a merchant allows for which ailment, best first. Data: `playbooks/*.toml`."""

from __future__ import annotations

from makewhole.core import codec
from makewhole.model import finding, plan


class Playbook(codec.Noun, frozen=True, kw_only=True):
    """For each ailment the remedies to try in this order; the first that applies is planned. A person can always be asked."""

    name: str
    remedies: dict[finding.Ailment, tuple[plan.Remedy, ...]]

    def allowed(self, ailment: finding.Ailment) -> tuple[plan.Remedy, ...]:
        """The remedies to try; asking a person stands at the end of every list."""
        return (*self.remedies.get(ailment, ()), plan.Remedy.ASK_PERSON)
