"""Which of a connector's acts a step asks for: the three that every channel knows. Shared by connectors."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from makewhole.core import faults, ids
from makewhole.model import act, plan, run


class Acts(Protocol):
    """One channel's way of doing them, and of seeing whether they were done. Faults as `ports.Doer` says."""

    def close(self, asked: act.ClosePayment) -> run.News: ...
    def refund(self, asked: act.RefundPayment) -> run.News: ...
    def open(self, asked: act.NewPaymentLink) -> run.News: ...
    def look_closed(self, asked: act.ClosePayment) -> run.News: ...
    def look_refunded(self, asked: act.RefundPayment) -> run.News: ...
    def look_open(self, asked: act.NewPaymentLink) -> run.News: ...
    def preview(self, asked: act.AnyAct) -> tuple[str, ...]: ...


class Doing:
    """The acting half of `ports.Channel`, for a connector to inherit."""

    _acts: Acts

    def do(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Act once; never retries by itself."""
        match step.act:
            case act.ClosePayment() as close:
                return self._acts.close(close)
            case act.RefundPayment() as refund:
                return self._acts.refund(refund)
            case act.NewPaymentLink() as link:
                return self._acts.open(link)
            case other:
                raise faults.Defect(f"a payment channel cannot {type(other).__name__}")

    def look(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Whether the act took effect. The connector's `acts.REPEATS` says why Saw(False) may be said at once."""
        match step.act:
            case act.ClosePayment() as close:
                return self._acts.look_closed(close)
            case act.RefundPayment() as refund:
                return self._acts.look_refunded(refund)
            case act.NewPaymentLink() as link:
                return self._acts.look_open(link)
            case other:
                raise faults.Defect(f"a payment channel cannot look for {type(other).__name__}")

    def preview(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> tuple[str, ...]:
        """The calls that `do` would make."""
        return self._acts.preview(step.act)
