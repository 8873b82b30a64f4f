"""The one HTTP client: a method, an address, headers and bytes go out; an answer or one of our faults comes back.

Nothing was sent (connection refused, no such host)      -> Unavailable
anything after the first byte may have left              -> Indeterminate
Reads may be repeated here, a bounded number of times; acts never: their repeats belong to the run, which looks first (law 4).
What fails and fails is left alone for a while: a sweep must not wait for each order's time-outs at a channel that is down. An address
that lets nobody in is left alone as a whole; where it lets us in and does not answer, only that service, for that account.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Protocol, runtime_checkable

import structlog

from makewhole.core import faults

Transport = Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""Method, address, headers, body in; status, headers, body out. Raises ConnectionRefusedError where nothing was sent, any other OSError
where something may have been. A simulator's counterpart is one of these too, without a socket."""

ANSWER_BYTES_MAX = 8 * 1024 * 1024
"""An API answer has a few kilobytes; a larger one is a mistake or an attack and is cut off."""
FILE_S = 600.0
"""Seconds for a file, which no lease waits for: a hundred megabytes over a slow line, and a third of a day's turn to be closed."""
READ_PAUSES_S = (0.2, 1.0)
"""Seconds before the second and the third try of a read: long enough for a lost packet, short enough for a sweep."""
GATEWAY_TROUBLE = frozenset({502, 503, 504})
"""A proxy speaks for a server that did not: a read may be asked again, and a forwarding did not arrive."""
FAILURES_MAX = 5
"""Exchanges that fail in a row before they are left alone: more than a read's three tries, so that one lost order is none."""
REST_S = 10.0
"""Seconds for which it is left alone, until one exchange is let through to see: as long as one call that hangs."""
RESTS = "left-alone"
"""The code of what was not sent for that reason."""
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds. The total stays well below a run's lease (60 s), so that a silent call never outlives its worker's right to act."""

    connect_s: float = 3.0
    read_s: float = 10.0
    """WeChat Pay advises 10 s or more before a call is given up."""
    total_s: float = 20.0
    """A peer that sends one byte a second would never trip the read time-out."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. Header names are lower-cased."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value, empty where it is absent."""
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True)
class Line:
    """Whose questions, and to which service, share one count of failures beside their address. Empty: the address' own."""

    account: str = ""
    service: str = ""


@runtime_checkable
class Streaming(Protocol):
    """A transport that can put an answer's body into a file as it comes."""

    def stream(self, url: str, headers: Mapping[str, str], into: IO[bytes], bytes_max: int) -> tuple[int, Mapping[str, str]]:
        """GET. Status and headers; raises as a `Transport` does."""
        ...


class Pool:
    """A transport over real sockets: pooled connections, no redirects, no proxies from the environment unless one is named."""

    def __init__(self, timeouts: Timeouts | None = None, *, proxy: str | None = None, connections: int = 32) -> None:
        self._timeouts = timeouts or Timeouts()
        # Here and not above: every command reads which channels there are, and few ask one.
        import httpx2

        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        t = self._timeouts
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(t.read_s, connect=t.connect_s),
            limits=limits,
            follow_redirects=False,
            trust_env=False,
            proxy=proxy,
        )

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """One exchange, its answer in memory."""
        received = bytearray()
        status, told = self._exchange(method, url, headers, body, received.extend, ANSWER_BYTES_MAX, self._timeouts.total_s)
        return status, told, bytes(received)

    def stream(self, url: str, headers: Mapping[str, str], into: IO[bytes], bytes_max: int) -> tuple[int, Mapping[str, str]]:
        """GET, its answer in a file."""
        return self._exchange("GET", url, headers, b"", into.write, bytes_max, FILE_S)

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        take: Callable[[bytes], object],
        bytes_max: int,
        total_s: float,
    ) -> tuple[int, Mapping[str, str]]:
        """`Accept-Encoding: identity`, because signatures are over the bytes as sent."""
        import httpx2

        deadline = time.monotonic() + total_s
        sent = {"Accept-Encoding": "identity", **headers}
        try:
            with self._client.stream(method, url, headers=sent, content=body or None) as reply:
                length = 0
                for chunk in reply.iter_raw():
                    length += len(chunk)
                    if length > bytes_max:
                        raise ConnectionAbortedError(f"the answer is longer than {bytes_max} bytes")
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"the answer took longer than {total_s:g} s")
                    take(chunk)
                return reply.status_code, dict(reply.headers)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as refused:
            raise ConnectionRefusedError(str(refused) or type(refused).__name__) from refused
        except httpx2.TimeoutException as late:
            raise TimeoutError(str(late) or type(late).__name__) from late
        except httpx2.RequestError as broken:
            raise ConnectionResetError(str(broken) or type(broken).__name__) from broken

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


class Breaker:
    """Counts failures in a row by name. One for a process; threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: dict[str, int] = {}
        self._rests_until: dict[str, float] = {}

    def lets_through(self, *names: str) -> bool:
        """Whether to speak to all of them now. After a rest one is let through; the others wait for what it hears, or for the next rest."""
        with self._lock:
            now = self._clock()
            resting = [name for name in names if name in self._rests_until]
            if any(now < self._rests_until[name] for name in resting):
                return False
            self._rests_until |= dict.fromkeys(resting, now + REST_S)
            return True

    def heard(self, name: str, *, answered: bool) -> None:
        """What came of an exchange."""
        with self._lock:
            rested = name in self._rests_until
            if answered:
                self._failed.pop(name, None)
                self._rests_until.pop(name, None)
            else:
                self._failed[name] = self._failed.get(name, 0) + 1
                if self._failed[name] >= FAILURES_MAX:
                    self._rests_until[name] = self._clock() + REST_S
            rests = name in self._rests_until
        if rests and not rested:
            log.warning("left alone for a while", address=name, failures=FAILURES_MAX, rest_s=REST_S)
        elif rested and not rests:
            log.warning("answers again", address=name)


class Client:
    """Speaks through a transport and translates its errors."""

    def __init__(
        self,
        transport: Transport,
        *,
        read_pauses_s: Sequence[float] = READ_PAUSES_S,
        sleep: Callable[[float], None] = time.sleep,
        breaker: Breaker | None = None,
    ) -> None:
        self._transport = transport
        self._breaker = breaker
        self._pauses = tuple(read_pauses_s)
        self._sleep = sleep

    def read(self, url: str, headers: Callable[[], Mapping[str, str]], line: Line = Line()) -> Answer:
        """GET, repeated after trouble on the way. `headers` is asked anew for each try: signatures carry the time and a nonce.

        Raises Unavailable when the last try fails too: a read changes nothing, so nothing happened.
        """
        return self._read(url, lambda: self._exchange(url, line, lambda: self._transport("GET", url, headers(), b"")))

    def download(self, url: str, headers: Callable[[], Mapping[str, str]], into: IO[bytes], bytes_max: int, line: Line = Line()) -> Answer:
        """GET into an open file, which then holds this answer alone and stands at its beginning; the answer's own body is empty.

        Repeated and failing as `read` does; a longer file is trouble too.
        """

        def once() -> tuple[int, Mapping[str, str], bytes]:
            into.seek(0)
            into.truncate()
            return *self._streamed(url, headers(), into, bytes_max), b""

        answer = self._read(url, lambda: self._exchange(url, line, once))
        into.seek(0)
        return answer

    def _read(self, url: str, exchange: Callable[[], Answer]) -> Answer:
        for pause in (*self._pauses, None):
            try:
                answer = exchange()
            except OSError as trouble:
                if pause is None:
                    raise faults.Unavailable(f"no answer from {_host(url)}: {trouble}") from trouble
            else:
                if answer.status not in GATEWAY_TROUBLE or pause is None:
                    return answer
            self._sleep(pause)
        raise faults.Defect("the last try neither answered nor failed")

    def act(self, method: str, url: str, headers: Mapping[str, str], body: bytes, line: Line = Line()) -> Answer:
        """Exactly one try. Raises Unavailable where nothing was sent, Indeterminate where it may have arrived."""
        try:
            return self._exchange(url, line, lambda: self._transport(method, url, headers, body))
        except ConnectionRefusedError as refused:
            raise faults.Unavailable(f"{_host(url)} cannot be reached, nothing was sent: {refused}") from refused
        except OSError as trouble:
            raise faults.Indeterminate(f"no answer from {_host(url)}, and it may have arrived: {trouble}") from trouble

    def _exchange(self, url: str, line: Line, exchange: Callable[[], tuple[int, Mapping[str, str], bytes]]) -> Answer:
        breaker, address = self._breaker, _host(url)
        own = " ".join(part for part in (address, line.account, line.service) if part)
        if breaker is not None and not breaker.lets_through(*{address, own}):
            raise faults.Unavailable(f"{own} was not asked: the last {FAILURES_MAX} exchanges failed", code=RESTS)
        entered, answered = True, False
        try:
            status, told, received = exchange()
            answered = status not in GATEWAY_TROUBLE
        except ConnectionRefusedError:
            entered = False
            raise
        finally:
            if breaker is not None:
                _note(breaker, address, own, entered=entered, answered=answered)
        return Answer(status=status, headers={k.lower(): v for k, v in told.items()}, body=received)

    def _streamed(self, url: str, headers: Mapping[str, str], into: IO[bytes], bytes_max: int) -> tuple[int, Mapping[str, str]]:
        transport: object = self._transport
        if isinstance(transport, Streaming):
            return transport.stream(url, headers, into, bytes_max)
        # A counterpart without a socket has its answer ready.
        status, told, received = self._transport("GET", url, headers, b"")
        if len(received) > bytes_max:
            raise ConnectionAbortedError(f"the answer is longer than {bytes_max} bytes")
        into.write(received)
        return status, told


def _note(breaker: Breaker, address: str, own: str, *, entered: bool, answered: bool) -> None:
    """Who lets nobody in counts as a whole; who lets us in and is silent, for this service and account. An answer clears both."""
    if own == address:
        breaker.heard(address, answered=answered)
        return
    breaker.heard(address, answered=entered)
    if entered:
        breaker.heard(own, answered=answered)


def _host(url: str) -> str:
    """The address without path and query: numbers of orders do not belong into every log line."""
    return "/".join(url.split("/", 3)[:3])
