"""The one HTTP client: where nothing was sent it says so, where something may have arrived it says so, and acts are tried once."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO

import pytest

from makewhole.adapters import http
from makewhole.core import faults

Reply = tuple[int, Mapping[str, str], bytes]


class Scripted:
    """A transport that does what it is told, one entry a call."""

    def __init__(self, *script: Reply | OSError) -> None:
        self.script = list(script)
        self.calls: list[tuple[str, Mapping[str, str]]] = []

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.calls.append((method, headers))
        step = self.script.pop(0)
        if isinstance(step, OSError):
            raise step
        return step


OK: Reply = (200, {"X-Name": "value"}, b"yes")
BAD_GATEWAY: Reply = (502, {}, b"")


def client(transport: http.Transport, pauses: list[float] | None = None) -> http.Client:
    slept = pauses if pauses is not None else []
    return http.Client(transport, sleep=slept.append)


@pytest.mark.parametrize(
    "first",
    [ConnectionRefusedError("refused"), TimeoutError("late"), ConnectionResetError("reset"), BAD_GATEWAY, (503, {}, b""), (504, {}, b"")],
)
def test_a_read_is_tried_three_times_with_pauses_and_fresh_headers(first: Reply | OSError) -> None:
    """Signatures carry the time: each try asks for its headers anew."""
    pauses: list[float] = []
    transport, made = Scripted(first, first, OK), iter(range(9))
    answer = client(transport, pauses).read("http://x/y", lambda: {"nonce": str(next(made))})
    assert (answer.status, answer.body, answer.header("x-NAME")) == (200, b"yes", "value")
    assert [h["nonce"] for _, h in transport.calls] == ["0", "1", "2"]
    assert tuple(pauses) == http.READ_PAUSES_S


def test_a_read_gives_up_after_the_third_try() -> None:
    """Unavailable: a read changes nothing. A gateway's last word is handed on as it is."""
    transport = Scripted(*[TimeoutError("late")] * 3)
    with pytest.raises(faults.Unavailable, match="http://x"):
        client(transport).read("http://x/secret-number", dict)
    assert len(transport.calls) == 3
    assert client(Scripted(*[BAD_GATEWAY] * 3)).read("http://x/y", dict).status == 502


@pytest.mark.parametrize("status", [200, 204, 301, 400, 404, 429, 500])
def test_other_answers_are_not_asked_again(status: int) -> None:
    """They are answers."""
    transport = Scripted((status, {}, b""))
    assert client(transport).read("http://x/y", dict).status == status
    assert len(transport.calls) == 1


@pytest.mark.parametrize(
    "trouble, fault",
    [
        (ConnectionRefusedError("refused"), faults.Unavailable),
        (TimeoutError("late"), faults.Indeterminate),
        (ConnectionResetError("reset"), faults.Indeterminate),
        (BrokenPipeError("pipe"), faults.Indeterminate),
        (OSError("anything"), faults.Indeterminate),
    ],
)
def test_an_act_is_tried_once(trouble: OSError, fault: type[faults.Fault]) -> None:
    """Its repeats belong to the run, which looks first."""
    transport = Scripted(trouble)
    with pytest.raises(fault) as raised:
        client(transport).act("POST", "http://x/y", {}, b"{}")
    assert raised.value.__cause__ is trouble
    assert len(transport.calls) == 1


# ---------------------------------------------------------------- real sockets


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does this with its first connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(timeout=5)


@pytest.fixture
def pool() -> Iterator[http.Pool]:
    made = http.Pool(http.Timeouts(connect_s=1, read_s=0.3, total_s=0.6))
    yield made
    made.close()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def hang_up(connection: socket.socket) -> None:
    connection.recv(65536)


def half_an_answer(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")


def nothing_for_long(connection: socket.socket) -> None:
    connection.recv(65536)
    threading.Event().wait(0.5)


def drop_by_drop(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    try:
        for _ in range(20):
            connection.sendall(b".")
            threading.Event().wait(0.1)
    except OSError:
        return


def far_too_much(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    try:
        for _ in range(100):
            connection.sendall(b"." * 1_000_000)
    except OSError:
        return


@pytest.mark.parametrize("serve", [hang_up, half_an_answer, nothing_for_long, drop_by_drop, far_too_much])
def test_after_the_first_byte_an_act_may_have_happened(pool: http.Pool, serve: Callable[[socket.socket], None]) -> None:
    """Hung up, cut off, silent, dripping, endless: Indeterminate, and never longer than the total time-out."""
    with listening(serve) as url:
        begun = time.monotonic()
        with pytest.raises(faults.Indeterminate):
            client(pool).act("POST", url, {}, b"{}")
        # The slowest server here would drip for two seconds.
        assert time.monotonic() - begun < 1.5


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://no-such-host.invalid/", "gopher://x/", "http://[broken/"])
def test_what_was_never_sent_did_not_happen(pool: http.Pool, url: str) -> None:
    """Refused, no such host, no address at all: Unavailable."""
    with pytest.raises(faults.Unavailable):
        client(pool).act("POST", url.format(port=closed_port()), {}, b"{}")


def test_redirects_are_answers_and_are_not_followed(pool: http.Pool) -> None:
    """A signed request must not be carried somewhere else."""

    def elsewhere(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")

    with listening(elsewhere) as url:
        assert client(pool).act("POST", url, {}, b"{}").status == 302


def a_file(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"." * 9_000_000)


@pytest.mark.parametrize("bytes_max, whole", [(9_000_000, True), (8_999_999, False)])
def test_a_file_comes_to_disk_up_to_its_own_limit(pool: http.Pool, bytes_max: int, whole: bool) -> None:  # noqa: FBT001
    """Longer than an answer may be; and never in memory as a whole."""
    with listening(a_file) as url, TemporaryFile() as file:
        asking = http.Client(pool, read_pauses_s=())
        if whole:
            answer = asking.download(url, dict, file, bytes_max)
            assert (answer.status, answer.body, file.tell(), len(file.read())) == (200, b"", 0, 9_000_000)
        else:
            with pytest.raises(faults.Unavailable, match="longer than 8999999"):
                asking.download(url, dict, file, bytes_max)


def test_a_file_that_came_in_half_is_begun_anew() -> None:
    """What the first try left is gone, whatever the second brings."""

    class Cut:
        tries = 0

        def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
            raise NotImplementedError

        def stream(self, url: str, headers: Mapping[str, str], into: IO[bytes], bytes_max: int) -> tuple[int, Mapping[str, str]]:
            self.tries += 1
            if self.tries == 1:
                into.write(b"half of something long")
                raise ConnectionResetError("cut")
            into.write(b"whole")
            return 200, {}

    with TemporaryFile() as file:
        assert client(Cut()).download("http://x/y", dict, file, 100).status == 200
        assert file.read() == b"whole"


class Ticks:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


DEAD: list[Reply | OSError] = [ConnectionRefusedError("refused"), TimeoutError("late"), ConnectionResetError("reset"), BAD_GATEWAY]


@pytest.mark.parametrize("trouble", DEAD)
def test_an_address_that_fails_in_a_row_is_left_alone(trouble: Reply | OSError) -> None:
    """The fifth failure is the last that is waited for; then nothing is sent, and whoever asks is told so at once."""
    clock, transport = Ticks(), Scripted(*[trouble] * http.FAILURES_MAX, OK, OK)
    client = http.Client(transport, read_pauses_s=(), breaker=http.Breaker(clock))
    for _ in range(http.FAILURES_MAX):
        try:
            client.read("http://x/y", dict)
        except faults.Unavailable as down:
            assert down.code != http.RESTS  # noqa: PT017 - a gateway's word is an answer, and raises nothing
    with pytest.raises(faults.Unavailable) as read:
        client.read("http://x/z", dict)
    with pytest.raises(faults.Unavailable) as act:
        client.act("POST", "http://x/pay", {}, b"")
    assert read.value.code == act.value.code == http.RESTS
    assert len(transport.calls) == http.FAILURES_MAX
    clock.now += http.REST_S
    assert client.read("http://x/y", dict).status == client.read("http://x/y", dict).status == 200


def test_one_failure_less_changes_nothing() -> None:
    """And an answer, even one that says no, begins the count anew; other addresses are others."""
    four: list[Reply | OSError] = [TimeoutError("late")] * (http.FAILURES_MAX - 1)
    transport = Scripted(*four, (500, {}, b"no"), *four, TimeoutError("late"), OK)
    client = http.Client(transport, read_pauses_s=(), breaker=http.Breaker(Ticks()))
    for step in (*four, None, *four, TimeoutError("late")):
        if step is None:
            assert client.read("http://x/y", dict).status == 500
            continue
        with pytest.raises(faults.Unavailable, match="late"):
            client.read("http://x/y", dict)
    with pytest.raises(faults.Unavailable, match="not asked"):
        client.read("http://x/y", dict)
    assert client.read("http://other/y", dict).status == 200


def test_after_a_rest_one_goes_first() -> None:
    """The others are told at once; where it fails, the next rest begins."""
    clock = Ticks()
    breaker = http.Breaker(clock)
    for _ in range(http.FAILURES_MAX):
        breaker.heard("http://x", answered=False)
    assert not breaker.lets_through("http://x")
    clock.now += http.REST_S
    assert [breaker.lets_through("http://x") for _ in range(3)] == [True, False, False]
    breaker.heard("http://x", answered=False)
    clock.now += http.REST_S - 1
    assert not breaker.lets_through("http://x")
    clock.now += 1
    assert breaker.lets_through("http://x")
    breaker.heard("http://x", answered=True)
    assert all(breaker.lets_through("http://x") for _ in range(3))


A, B = http.Line("1900000001", "/pay"), http.Line("1900000001", "/refunds")
OTHER = http.Line("1900000002", "/pay")


@pytest.mark.parametrize(
    "trouble, left_alone", [(ConnectionRefusedError("refused"), {A, B, OTHER}), *((trouble, {A}) for trouble in DEAD[1:])]
)
def test_a_service_that_is_silent_is_left_alone_by_itself(trouble: Reply | OSError, left_alone: set[http.Line]) -> None:
    """For the account that asked: other services and other accounts go on. Who lets nobody in is left alone as a whole."""
    transport = Scripted(*[trouble] * http.FAILURES_MAX, *[OK] * 9)
    asking = http.Client(transport, read_pauses_s=(), breaker=http.Breaker(Ticks()))
    for _ in range(http.FAILURES_MAX):
        with contextlib.suppress(faults.Unavailable):
            asking.read("http://x/y", dict, A)
    for line in (A, B, OTHER):
        if line in left_alone:
            with pytest.raises(faults.Unavailable, match="not asked"):
                asking.read("http://x/y", dict, line)
        else:
            assert asking.read("http://x/y", dict, line).status == 200


def test_an_address_that_lets_us_in_again_is_asked_by_everybody() -> None:
    """Though the one who went first heard nothing: that is his service's trouble."""
    clock, transport = Ticks(), Scripted(*[ConnectionRefusedError("refused")] * http.FAILURES_MAX, BAD_GATEWAY, OK, OK)
    asking = http.Client(transport, read_pauses_s=(), breaker=http.Breaker(clock))
    for _ in range(http.FAILURES_MAX):
        with pytest.raises(faults.Unavailable, match="refused"):
            asking.read("http://x/y", dict, A)
    clock.now += http.REST_S
    assert [asking.read("http://x/y", dict, line).status for line in (A, B, A)] == [502, 200, 200]


def test_an_act_in_doubt_stays_in_doubt() -> None:
    """What may have arrived is Indeterminate as before; only what was not sent says so."""
    transport = Scripted(TimeoutError("late"))
    client = http.Client(transport, breaker=http.Breaker(Ticks()))
    with pytest.raises(faults.Indeterminate):
        client.act("POST", "http://x/pay", {}, b"")
