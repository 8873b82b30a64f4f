"""Observe: claims heard and silences go in, a Dossier comes out. A later word of a source replaces its earlier one."""

from __future__ import annotations

from collections.abc import Iterable

from makewhole.core import clock, codec, ids
from makewhole.model import claim, difference, dossier, order, payment, resource, rowchange


def observe(key: ids.OrderKey, claims: Iterable[dossier.AnyClaim], silences: Iterable[claim.Silence] = ()) -> dossier.Dossier:
    """One dossier, in a stable order. Late news changes the dossier, never the past: the newest `as_of` of each topic counts."""
    newest: dict[tuple[str, ...], dossier.AnyClaim] = {}
    for told in claims:
        topic = _topic(told)
        if topic not in newest or _newer(told, newest[topic]):
            newest[topic] = told
    quiet = {s.sort_key(): s for s in silences if not _spoken(s, newest.values())}
    return dossier.Dossier(
        order=key,
        claims=tuple(newest[t] for t in sorted(newest)),
        silences=tuple(quiet[k] for k in sorted(quiet)),
    )


def _newer(told: dossier.AnyClaim, so_far: dossier.AnyClaim) -> bool:
    """By when the source said it; two words of one instant are put in an order of their own, so that hearing order decides nothing."""
    if told.as_of != so_far.as_of:
        return told.as_of > so_far.as_of
    return codec.canonical(told) > codec.canonical(so_far)


def _topic(told: dossier.AnyClaim) -> tuple[str, ...]:
    """What a claim speaks of: two claims with one topic are two words about the same thing."""
    match told:
        case order.ShopOrder():
            return ("order", told.source)
        case order.OrphanRows():
            return ("orphan-rows", told.source)
        case payment.Attempt():
            return ("attempt", told.source, told.number)
        case payment.ChannelRefund():
            return ("refund", told.source, told.number)
        case payment.ShopRefund():
            return ("shop-refund", told.source, told.number or f"{told.requested_at} {told.done_at} {told.amount}")
        case payment.Notice():
            return ("notice", told.channel, told.number, told.check.value, told.refund or "")
        case payment.Candidate():
            return ("candidate", told.order)
        case payment.Link():
            return ("link", told.number)
        case resource.StockLeft():
            return ("stock-left", told.sku)
        case resource.StockTally():
            return ("stock-tally", told.sku)
        case resource.CouponUse():
            return ("coupon", told.coupon)
        case resource.Reissue():
            return ("reissue", told.order)
        case resource.ReissuedFrom():
            return ("reissued-from", told.order)
        case difference.Differs():
            return ("difference", told.of.id)
        case difference.Ruling():
            return ("ruling", told.of.id)
        case rowchange.RowChange():
            # Each is a word of its own, in the order of the log.
            return ("row-change", clock.rfc3339(told.as_of), f"{len(told.transaction):04}", told.transaction, told.part)


def _spoken(silence: claim.Silence, claims: Iterable[dossier.AnyClaim]) -> bool:
    """Whether the source spoke of that very number after all (on a second try, or under another name)."""
    return any(
        silence.about is claim.About.PAYMENT
        and isinstance(told, payment.Attempt)
        and told.source == silence.source
        and told.number == silence.number
        for told in claims
    )
