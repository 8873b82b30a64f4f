"""What the shop platform gives an app that a shop has authorised: a code or a refresh token comes in, a pair of tokens goes out.

As documented: a token lives seven days and what refreshes it fourteen. More than an hour before its end the same pair comes back; in the
last hour a new one, and the old token works for an hour more; after its end a new one alone. What no document says is taken at its worst:
a refresh token that brought a new pair is spent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from makewhole.core import clock

LIVES, REFRESHES, LAST_HOUR = timedelta(days=7), timedelta(days=14), timedelta(hours=1)
GRANTS = ("authorization_self", "authorization_code")


class Refused(Exception):
    """The platform says no; the sub-code."""


class Tokens:
    """Of one shop and one app."""

    def __init__(self, ticking: clock.Clock, shop_id: str) -> None:
        self._clock, self._shop_id = ticking, shop_id
        self._made = 0
        self._codes: set[str] = set()
        self.valid: dict[str, datetime] = {}
        """Access tokens and when they end."""
        self.access, self.refresh, self.refresh_ends = "", "", ticking.now()
        self._next()

    def authorised(self) -> str:
        """The shop lets the app in once more: the code that it is given."""
        code = f"sandbox-code-{len(self._codes) + 1}"
        self._codes.add(code)
        return code

    def ends(self) -> datetime:
        """When the newest token does."""
        return self.valid[self.access]

    def check(self, access: str) -> None:
        """Raises Refused for a token that was never given or is over."""
        if access not in self.valid:
            raise Refused("isv.access-token-no-existed")
        if self._clock.now() >= self.valid[access]:
            raise Refused("isv.access-token-expired")

    def create(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """For a code, once; or for the app's own shop."""
        if asked.get("grant_type") not in GRANTS:
            raise Refused("dop.token-generate-failed:grant-type-invalid")
        if asked["grant_type"] == GRANTS[1]:
            if asked.get("code") not in self._codes:
                raise Refused("dop.token-generate-failed:code-invalid")
            self._codes.remove(asked["code"])
        self._next()
        return self._told()

    def exchange(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """For a refresh token."""
        now = self._clock.now()
        if asked.get("grant_type") != "refresh_token" or asked.get("refresh_token") != self.refresh:
            raise Refused("dop.token-generate-failed:token-invalid")
        if now >= self.refresh_ends:
            raise Refused("dop.token-generate-failed:token-expired")
        old, ends = self.access, self.ends()
        if now < ends - LAST_HOUR:
            return self._told()
        self._next()
        if now < ends:
            self.valid[old] = now + LAST_HOUR
        return self._told()

    def _next(self) -> None:
        self._made += 1
        now = self._clock.now()
        self.access, self.refresh = f"sandbox-token-{self._made}", f"sandbox-refresh-{self._made}"
        self.valid = {self.access: now + LIVES}
        self.refresh_ends = now + REFRESHES

    def _told(self) -> dict[str, Any]:
        return {
            "access_token": self.access,
            "expires_in": int((self.ends() - self._clock.now()).total_seconds()),
            "refresh_token": self.refresh,
            "scope": "SCOPE",
            "shop_id": int(self._shop_id),
            "shop_name": "沙箱小店",
            "authority_id": self._shop_id,
            "auth_subject_type": "shop",
        }
