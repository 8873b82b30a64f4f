"""The port `AccountSource` at Douyin's shop platform: a day goes in, its account lines come out as pages that are kept like a bill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import msgspec

from makewhole.adapters import http
from makewhole.adapters.platforms.douyin import conversation, rows
from makewhole.adapters.platforms.douyin.account import Account
from makewhole.core import clock
from makewhole.model import bill, fetched
from makewhole.ports import accounts

MADE_AT = time(15)
"""Beijing time of the next day: the platform's documentation says that the lines are made by then, or later where it is behind."""
EMPTY_BELIEVED_AFTER = timedelta(days=1)
"""After that: a day without a line may be a day that is not made yet, and nothing in the answer tells them apart."""
SIZE = 100
"""Rows a page: the most that settlements allow."""
PAGES_MAX = 10_000
"""A million rows a day; more is a cursor that never ends."""


class DouyinShop:
    """One shop's account."""

    def __init__(self, of: Account, client: http.Client, ticking: clock.Clock) -> None:
        self._of = of
        self._clock = ticking
        self._talk = conversation.Conversation(of, client, ticking)

    @property
    def merchant(self) -> str:
        """The shop's number there."""
        return self._of.shop_id

    def fetch_bill(self, day: date) -> fetched.Fetched:
        """All pages of the day. Raises Unavailable, Credentials or Rejected."""
        of = self._of
        made = datetime.combine(day, MADE_AT, clock.BEIJING) + timedelta(days=1)
        now = self._clock.now()
        if now < made:
            return fetched.NotMade(channel=of.name, merchant=of.shop_id, day=day, why=f"it is made by {made:%Y-%m-%d %H:%M}")
        told = self._pages(day)
        if told.ended and not any(page.said or page.rows for page in told.pages):
            if now < made + EMPTY_BELIEVED_AFTER:
                return fetched.NotMade(channel=of.name, merchant=of.shop_id, day=day, why="no line yet")
            return fetched.NoBill(channel=of.name, merchant=of.shop_id, day=day)
        content = msgspec.json.encode(told)
        return fetched.RawBill(channel=of.name, merchant=of.shop_id, day=day, name=f"{of.method}-{day}.json", content=content)

    def lines(self, raw: fetched.RawBill) -> Sequence[bill.Line]:
        """The book that the pages are. Raises Refused."""
        return rows.lines(self._of, raw)

    def access(self) -> accounts.Access:
        """One row of yesterday is asked for with the token as it is: it is exchanged by whoever asks for a day."""
        token, now = self._of.tokens.read(), self._clock.now()
        told = accounts.Access(until=token.until, renews=bool(token.refresh), unkept=self._of.tokens.unkept() if token.refresh else "")
        if not (told.renews and token.over(now)):
            day = now.astimezone(clock.BEIJING).date() - timedelta(days=1)
            self._talk.ask_as(token, {**_span(day), "size": 1, "start_time": f"{day} 00:00:00"})
        return told

    def _pages(self, day: date) -> rows.Pages:
        cells = self._of.shape.cells()
        start, index = f"{day} 00:00:00", ""
        pages: list[rows.Page] = []
        asked: set[tuple[str, str]] = set()
        while len(pages) < PAGES_MAX and (start, index) not in asked:
            asked.add((start, index))
            params = {**_span(day), "size": SIZE, "start_time": start}
            answer = self._talk.ask({**params, "start_index": index} if index else params)
            told = tuple({name: row[name] for name in cells if name in row} for row in answer.data or ())
            pages.append(rows.Page(said=answer.data_size, rows=told))
            if answer.is_end == 1:
                return rows.Pages(pages=tuple(pages), ended=True)
            start, index = answer.next_start_time or start, answer.next_start_index
        return rows.Pages(pages=tuple(pages), ended=False)


def _span(day: date) -> dict[str, object]:
    return {"end_time": f"{day} 23:59:59", "time_type": "0"}
