"""Guard: a Plan, the Policy, the Exposure and the instant go in, a Verdict comes out. A ladder; the first rung that does not hold decides.

Refusals come first (nobody may do that), then holds (somebody may approve), then the limits to reserve with the run.
"""

from __future__ import annotations

from datetime import datetime

from makewhole.core import clock, ids
from makewhole.model import act, claim, dossier, payment, plan, policy, takeback, tally, terms, verdict
from makewhole.model.policy import RuleName
from makewhole.model.verdict import Ground

_ON_THE_ORDER_ROW = (
    act.RecordPayment,
    act.AcceptLate,
    act.CloseExpired,
    act.ReopenUnpaid,
    act.CloseUnpaid,
    act.RecordRefund,
    act.GiveStockBack,
    act.TakeStockBack,
    act.GiveCouponBack,
)
"""Acts that write on rows that were read: compare-and-set, or not at all (law 5)."""


def guard(proposed: plan.Plan, rules: policy.Policy, exposure: verdict.Exposure, now: datetime) -> verdict.Verdict:
    """Allowed with limits to reserve, Held for somebody, or Refused with the ground that is shown."""
    # Asking a person harms nobody.
    if all(isinstance(s.act, act.AskPerson) for s in proposed.steps):
        return verdict.Allowed(policy_version=rules.version)

    # A person has decided, and nothing moves but our own ledger: the limits of automatic repairs are not meant. But only what still stands.
    if all(isinstance(s.act, act.BookDifference) for s in proposed.steps):
        if exposure.dossier.digest() != proposed.basis:
            return verdict.Refused(policy_version=rules.version, ground=Ground.DOSSIER_CHANGED)
        return verdict.Allowed(policy_version=rules.version)

    ground = _never(proposed, rules, exposure, now)
    if ground is not None:
        return verdict.Refused(policy_version=rules.version, ground=ground)

    held = _not_alone(proposed, rules, exposure)
    if held is not None:
        role, reason, name = held
        return verdict.Held(policy_version=rules.version, role=role, ground=reason, rule=rules.rule(name))

    return verdict.Allowed(policy_version=rules.version, reservations=_limits(proposed, rules, exposure, now))


def _never(proposed: plan.Plan, rules: policy.Policy, exposure: verdict.Exposure, now: datetime) -> Ground | None:
    told = exposure.dossier
    acts = [s.act for s in proposed.steps]

    # The order is no longer what the plan was made for.
    if told.digest() != proposed.basis:
        return Ground.DOSSIER_CHANGED

    # A write without what it compares with could overwrite a payment that landed meanwhile.
    if any(isinstance(s.act, _ON_THE_ORDER_ROW) and s.expects is None for s in proposed.steps):
        return Ground.WITHOUT_COMPARE_AND_SET

    # Expiring, recalling: only after every channel was asked, answered, and said unpaid (law 5).
    heard = told.of(payment.Attempt)
    unpaid = bool(heard) and all(a.state in payment.SETTLED_UNPAID for a in heard)
    ends = any(isinstance(a, act.CloseExpired | act.ReissueOrder | act.ReopenUnpaid | act.CloseUnpaid) for a in acts)
    if ends and (not unpaid or told.silent(claim.About.PAYMENT)):
        return Ground.EXPIRES_WITHOUT_ASKING

    ground = next((g for i, a in enumerate(acts) if (g := _bad_taking_back(a, acts[:i], told)) is not None), None)
    if ground is not None:
        return ground

    # A second way to pay while the first is open, or already paid, is how orders get paid twice (R11).
    links = [i for i, a in enumerate(acts) if isinstance(a, act.NewPaymentLink)]
    if links and (tally.kept(told) or not _all_closed(heard, acts[: links[0]])):
        return Ground.PAYS_AGAIN_BLINDLY

    refunds = [a for a in acts if isinstance(a, act.RefundPayment)]
    ground = next((g for a in refunds if (g := _bad_refund(a, refunds, told)) is not None), None)
    if ground is not None:
        return ground

    # A recall only within its limit: 24 h by ourselves (R1), 2 h by a person's hand (R10).
    if proposed.remedy is plan.Remedy.RECALL and not _within_recall(told, rules, exposure.actor, now):
        return Ground.OUTSIDE_WINDOW
    return None


def _not_alone(proposed: plan.Plan, rules: policy.Policy, exposure: verdict.Exposure) -> tuple[verdict.Role, Ground, RuleName] | None:
    paid = tally.payments(exposure.dossier)
    refunds = sum(isinstance(s.act, act.RefundPayment) for s in proposed.steps)
    if not rules.on(RuleName.AUTOMATIC_REPAIRS):
        return verdict.Role.OPERATOR, Ground.KILL_SWITCH, RuleName.AUTOMATIC_REPAIRS
    # R15: more than 3 repeated payments of one order get the account frozen: a person looks first.
    if len(paid) - 1 > rules.count(RuleName.REPEATED_PAYMENTS_MAX):
        return verdict.Role.RISK, Ground.TOO_MANY_PAYMENTS, RuleName.REPEATED_PAYMENTS_MAX
    # R15: orders of 5,000 yuan or more.
    if proposed.stake.fen >= rules.amount(RuleName.REVIEW_AMOUNT).fen:
        return verdict.Role.RISK, Ground.REVIEW_AMOUNT, RuleName.REVIEW_AMOUNT
    # R18: more than 5 refunds a day for one account.
    if refunds and exposure.refunds_today + exposure.refunds_elsewhere + refunds > rules.count(RuleName.REFUNDS_PER_DAY_MAX):
        return verdict.Role.FINANCE, Ground.TOO_MANY_REFUNDS, RuleName.REFUNDS_PER_DAY_MAX
    if exposure.repairs_today + 1 > rules.count(RuleName.REPAIRS_PER_DAY_MAX):
        return verdict.Role.OPERATOR, Ground.DAILY_COUNT, RuleName.REPAIRS_PER_DAY_MAX
    if exposure.repaired_today_fen + proposed.stake.fen > rules.amount(RuleName.REPAIR_AMOUNT_PER_DAY_MAX).fen:
        return verdict.Role.OPERATOR, Ground.DAILY_AMOUNT, RuleName.REPAIR_AMOUNT_PER_DAY_MAX
    return None


def _limits(proposed: plan.Plan, rules: policy.Policy, exposure: verdict.Exposure, now: datetime) -> tuple[verdict.Reservation, ...]:
    told, day = exposure.dossier, today(now)
    case = f"{proposed.ailment.value}:{','.join(proposed.subject)}:{proposed.order}"
    reserved = [
        verdict.Reservation(
            bucket=repairs_bucket(proposed.order.shop, day),
            key=case,
            ground=Ground.DAILY_AMOUNT,
            count=1,
            amount_fen=proposed.stake.fen,
            count_max=rules.count(RuleName.REPAIRS_PER_DAY_MAX),
            amount_max_fen=rules.amount(RuleName.REPAIR_AMOUNT_PER_DAY_MAX).fen,
        )
    ]
    buyer = buyer_of(told)
    for refund in (s.act for s in proposed.steps if isinstance(s.act, act.RefundPayment)):
        if buyer is not None:
            reserved.append(
                verdict.Reservation(
                    bucket=refunds_bucket(proposed.order.shop, buyer, day),
                    key=refund.number,
                    ground=Ground.TOO_MANY_REFUNDS,
                    count=1,
                    count_max=max(0, rules.count(RuleName.REFUNDS_PER_DAY_MAX) - exposure.refunds_elsewhere),
                )
            )
        others = _gone_otherwise(told, refund, {refund.number})
        reserved.append(
            verdict.Reservation(
                bucket=f"refunded/{refund.channel}/{refund.transaction}",
                key=refund.number,
                ground=Ground.REFUND_EXCEEDS_PAYMENT,
                amount_fen=refund.amount.fen,
                amount_max_fen=refund.paid.fen - others,
            )
        )
    return tuple(reserved)


def _bad_taking_back(asked: act.AnyAct, before: list[act.AnyAct], told: dossier.Dossier) -> Ground | None:
    if not isinstance(asked, act.ReopenUnpaid | act.CloseUnpaid):
        return None
    # It lowers what the shop claims: only a person's word about this very money allows it.
    ruled = takeback.ruling(told)
    if ruled is None or ruled.of.id != asked.difference:
        return Ground.NOT_DECIDED
    # Goods or money are on their way: the row alone would not tell the truth any more.
    if takeback.hinders(told) is not None:
        return Ground.ORDER_WENT_ON
    # An order that is closed while an attempt stays open will be paid late.
    if isinstance(asked, act.CloseUnpaid) and not _all_closed(told.of(payment.Attempt), before):
        return Ground.EXPIRES_WITHOUT_ASKING
    return None


def _bad_refund(asked: act.RefundPayment, together: list[act.RefundPayment], told: dossier.Dossier) -> Ground | None:
    # It may be on its way back already: who could know of it must have spoken.
    unsaid = {claim.Why.NOT_FOUND, claim.Why.NOT_CONFIGURED}
    if any(s.source == asked.channel and s.why not in unsaid for s in told.silent(claim.About.REFUND)):
        return Ground.SOURCE_SILENT

    # One number, one content: the channel would answer with something that nobody understands.
    known = [r.amount for r in told.of(payment.ChannelRefund) if r.channel == asked.channel and r.number == asked.number]
    known += [a.amount for a in together if a.channel == asked.channel and a.number == asked.number]
    if any(amount != asked.amount for amount in known):
        return Ground.SAME_KEY_OTHER_CONTENT

    # Beyond what came, alone or together with what else goes back; what came is the channel's word, not the plan's.
    came = next((a.amount for a in told.of(payment.Attempt) if a.channel == asked.channel and a.number == asked.payment), None)
    if came is None or came != asked.paid or asked.amount.currency != came.currency or asked.amount.fen <= 0:
        return Ground.REFUND_EXCEEDS_PAYMENT
    of_this = {a.number: a.amount.fen for a in together if (a.channel, a.payment) == (asked.channel, asked.payment)}
    if sum(of_this.values()) + _gone_otherwise(told, asked, set(of_this)) > came.fen:
        return Ground.REFUND_EXCEEDS_PAYMENT
    return None


def _gone_otherwise(told: dossier.Dossier, of: act.RefundPayment, but: set[ids.RefundNo]) -> int:
    """Fen of the same payment that went back, or may, under other numbers."""
    return sum(
        r.amount.fen
        for r in told.of(payment.ChannelRefund)
        if (r.channel, r.payment) == (of.channel, of.payment) and r.number not in but and r.state is not payment.RefundState.CLOSED
    )


def today(now: datetime) -> str:
    """The Beijing day that a daily limit counts by."""
    return now.astimezone(clock.BEIJING).date().isoformat()


def repairs_bucket(shop: str, day: str) -> str:
    """The bucket of a shop's automatic repairs of a day."""
    return f"repairs/{shop}/{day}"


def refunds_bucket(shop: str, buyer: str, day: str) -> str:
    """The bucket of refunds to one buyer on a day (R18)."""
    return f"refunds/{shop}/{buyer}/{day}"


def buyer_of(told: dossier.Dossier) -> str | None:
    """Who paid, as far as anybody says: the shop's buyer, else the channel's payer."""
    shop = told.shop()
    if shop is not None and shop.buyer:
        return shop.buyer
    return next((a.payer for a in told.of(payment.Attempt) if a.payer), None)


def _all_closed(heard: tuple[payment.Attempt, ...], before: list[act.AnyAct]) -> bool:
    closing = {(a.channel, a.payment) for a in before if isinstance(a, act.ClosePayment)}
    return all(a.state is payment.AttemptState.CLOSED or (a.channel, a.number) in closing for a in heard)


def _within_recall(told: dossier.Dossier, rules: policy.Policy, actor: verdict.Actor, now: datetime) -> bool:
    shop = told.shop()
    since = None if shop is None else terms.expiry(shop, rules)
    limit = RuleName.RECALL_BY_PERSON if actor is verdict.Actor.PERSON else RuleName.RECOVERY_WINDOW
    return since is not None and now - since <= rules.span(limit)
