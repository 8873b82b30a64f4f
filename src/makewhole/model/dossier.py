"""All that was heard about one order, and who was silent. What a plan binds to is its digest: of what was said, not of when we read it."""

from __future__ import annotations

from typing import TypeVar

from makewhole.core import codec, ids
from makewhole.model import claim, difference, givenback, order, payment, resource, rowchange

AnyClaim = (
    order.ShopOrder
    | order.OrphanRows
    | payment.Attempt
    | payment.ChannelRefund
    | payment.ShopRefund
    | payment.Notice
    | payment.Candidate
    | payment.Link
    | resource.StockLeft
    | resource.StockTally
    | resource.CouponUse
    | resource.Reissue
    | resource.ReissuedFrom
    | difference.Differs
    | difference.Ruling
    | rowchange.RowChange
)

ShopOrder = order.ShopOrder
Kind = TypeVar("Kind", bound=claim.Claim)


class Dossier(codec.Noun, frozen=True, kw_only=True):
    """Claims and silences about one order, or about one payment that no order explains (then the order is the payment's number)."""

    order: ids.OrderKey
    claims: tuple[AnyClaim, ...] = ()
    silences: tuple[claim.Silence, ...] = ()

    def digest(self) -> str:
        """Of what was said: reading the same facts twice is the same dossier. 64 hex characters."""
        said = sorted(codec.canonical(c.said()) for c in self.claims)
        silent = sorted((*s.sort_key(), s.why.value) for s in self.silences)
        return codec.digest([self.order, [s.decode() for s in said], silent])

    def of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The claims of one kind, in the order they were heard."""
        return tuple([c for c in self.claims if isinstance(c, kind)])  # a list: rules ask fifty times of each dossier

    def shop(self) -> ShopOrder | None:
        """The order's own row, or None where the shop knows no such order or was silent."""
        for told in self.claims:
            if isinstance(told, ShopOrder):
                return told
        return None

    def unexplained(self) -> tuple[rowchange.RowChange, ...]:
        """Changes of the order's row that nothing explains: no legal transition, no refund, no person's decision. Oldest first."""
        return rowchange.unexplained(self.of(rowchange.RowChange), self._explains)

    def _explains(self, one: rowchange.RowChange) -> bool:
        """Whether money that went back, or a person's word that none ever came, tells why a paid order counts as paid no more."""
        shop = self.shop()
        refunds: list[givenback.Refund] = [*self.of(payment.ShopRefund), *self.of(payment.ChannelRefund)]
        if rowchange.needs_refund(one) and givenback.explains(refunds, one, None if shop is None else shop.paid_at):
            return True
        ruled = (r for r in self.of(difference.Ruling) if r.never_came() and r.said_so.at <= one.as_of)
        return rowchange.takes_back(one) and next(ruled, None) is not None

    def silent(self, about: claim.About) -> tuple[claim.Silence, ...]:
        """Who could have spoken of this and did not."""
        return tuple(s for s in self.silences if s.about is about)
