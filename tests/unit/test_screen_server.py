"""The screen's server: who may look and who may not, that it only shows, and that bad browsers are bounded."""

import contextlib
import json
import re
import select
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from asvunit.config import ScreenTable
from asvunit.errors import UsageError
from asvunit.screen import connections, feed, messages, views
from asvunit.screen.__main__ import NICE
from asvunit.screen.files import page_files
from asvunit.screen.messages import Messages
from asvunit.screen.security import Names
from asvunit.screen.setting import check_hosts, in_url
from asvunit.screen_process import AGAIN_S, HUNG_S
from screentools import HMI, START, Plain, Served, scene


@pytest.fixture
def serving() -> Iterator[Callable[..., Served]]:
    running: list[Served] = []

    def make(*arguments: Any, **more: Any) -> Served:
        running.append(Served(*arguments, **more))
        return running[-1]

    yield make
    for served in running:
        assert not served.end()["failed"]  # nothing a browser does is an exception inside


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    """For tests that leave nothing behind."""
    served = Served(hosts=("pi.local", "tunnel.example:9000"))
    yield served
    assert not served.end()["failed"]


def look(served: Served, view: str = "driver", **more: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{served.port}/ws/{view}", max_size=None, compression=None, **more)


def until(browser: ClientConnection, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        message = json.loads(browser.recv(timeout=20))
        if good(message):
            return dict(message)


# What is shown


def test_pages_and_files_with_the_headers_that_keep_foreign_code_out(shared: Served) -> None:
    for path in page_files():
        with Plain(shared.port) as plain:
            plain.request(path=path)
            status, headers, body = plain.answer()
        assert (status, body) == (200, page_files()[path][0])
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers


def test_all_that_the_pages_name_is_served_here() -> None:
    files = page_files()
    assert {"/", "/bench"} <= files.keys()
    for path, (content, _kind) in files.items():
        text = content.decode(errors="replace")
        for name in re.findall(r'(?:src|href)="([^"#]+)"', text) if path in ("/", "/bench") else ():
            assert name.partition("?")[0] in files, (path, name)
        folder = path.rpartition("/")[0]
        for name in re.findall(r'from "\./([^"]+)"', text):
            assert f"{folder}/{name}" in files, (path, name)


def test_head_is_an_answer_without_a_body(shared: Served) -> None:
    with Plain(shared.port) as plain:
        plain.request("HEAD", more="Connection: close\r\n")
        status, headers = plain.head()
        assert (status, plain.to_the_end()) == (200, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize(
    "path", ["/x", "/static/", "/static/../server.py", "/static/%2e%2e/server.py", "//etc/passwd", "/%00", "/%ff%fe",
             "/static/js", "/ws/driver", "/index.html", "/" + "a" * 6000]
)  # fmt: skip
def test_nothing_else_is_there(shared: Served, path: str) -> None:
    with Plain(shared.port) as plain:
        plain.request(path=path)
        assert plain.answer()[0] == 404


def test_state_first_then_each_change_to_both_views(serving: Callable[..., Served]) -> None:
    served = serving()
    served.tell(START, HMI, scene(1))
    with look(served) as driver, look(served, "bench") as bench:
        message = until(driver, lambda message: message["alive"])
        assert message["shown"]["level"] == "caution"
        assert "supports" not in message
        assert until(bench, lambda message: message["alive"])["supports"] == []
        served.tell({**HMI, "level": "none", "text_id": "none", "text": "", "cue": False})
        after = until(driver, lambda message: message["shown"]["level"] == "none")
        assert after["n"] > message["n"]
        until(bench, lambda message: message["shown"]["level"] == "none")


def test_every_message_is_newer(serving: Callable[..., Served]) -> None:
    served = serving()
    with look(served) as browser:
        numbers = []
        for number in range(30):
            served.tell(scene(number))
            told = until(browser, lambda message, n=number: bool(message["scene"]) and message["scene"]["unit_ms"] >= n)
            numbers.append(told["n"])
    assert numbers == sorted(set(numbers))


def test_a_silent_unit_is_told_and_comes_back(serving: Callable[..., Served]) -> None:
    served = serving()
    served.tell(START, scene(1))
    with look(served) as browser:
        until(browser, lambda message: message["alive"])
        assert until(browser, lambda message: not message["alive"])["why_gone"] == "silent"
        served.tell(scene(2))
        until(browser, lambda message: message["alive"])


@pytest.mark.parametrize("stop", [True, False])
def test_last_word_when_the_unit_ends(serving: Callable[..., Served], stop: bool) -> None:
    served = serving()
    served.tell(START, scene(1))
    with look(served) as browser:
        until(browser, lambda message: message["alive"])
        if stop:
            served.tell({"t": 200.0, "event": "stop", "reason": "sigterm"})
        served.end()
        why = until(browser, lambda message: not message["alive"])["why_gone"]
        assert why == ("stopped" if stop else "lost")
        with pytest.raises(ConnectionClosed) as closed:
            until(browser, lambda _message: False)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == views.CLOSE_LEAVING


def test_lost_events_end_the_connection_so_that_a_new_one_tells_all(serving: Callable[..., Served]) -> None:
    served = serving()
    served.tell(START, scene(1))
    with look(served) as browser:
        until(browser, lambda message: message["alive"])
        served.tell({"event": "lost", "count": 5})
        assert until(browser, lambda message: not message["alive"])["why_gone"] == "lost"
        assert served.feed.recv(1) == b""


def test_a_line_without_end_is_dropped_and_the_next_is_taken(
    serving: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LINE_BYTES", 10_000)
    served = serving()
    served.feed.sendall(b'{"event": "' + b"x" * 600_000 + b'"}\n')
    served.tell(START, scene(1))
    with look(served) as browser:
        assert until(browser, lambda message: message["alive"])["unit"]["vehicle_id"] == 4711
    assert served.end()["line_too_long"] >= 1


# Who may look


@pytest.mark.parametrize(
    "host",
    [
        "localhost:{port}",
        "LocalHost:{port}",
        "127.0.0.1:{port}",
        "[::1]:{port}",
        "pi.local:{port}",
        "pi.local",
        "PI.local:{port}",
        "tunnel.example:9000",
    ],
)
def test_own_names(shared: Served, host: str) -> None:
    host = host.format(port=shared.port)
    with Plain(shared.port) as plain:
        plain.request(host=host)
        assert plain.answer()[0] == 200
    with Plain(shared.port) as plain:
        plain.upgrade(host=host, more=f"Origin: http://{host}\r\n")
        assert plain.head()[0] == 101


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost",
        "localhost:1",
        "127.0.0.1.evil.example:{port}",
        "127.0.0.1:{port}@evil.example",
        "192.0.2.1:{port}",
        "localhost.:{port}",
        "tunnel.example",
    ],
)
def test_foreign_names_are_refused_everywhere(shared: Served, host: str) -> None:
    host = host.format(port=shared.port)
    for send in (Plain.request, Plain.upgrade):
        with Plain(shared.port) as plain:
            send(plain, host=host)
            status, headers, body = plain.answer()
            assert (status, b"screen.hosts" in body) == (403, True)
            assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1:3000",
        "http://localhost:{port}",
        "file://",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1:{port}/",
        "ws://127.0.0.1:{port}",
        "",
    ],
)
def test_pages_of_others_get_no_websocket(shared: Served, origin: str) -> None:
    with Plain(shared.port) as plain:
        plain.upgrade(more=f"Origin: {origin.format(port=shared.port)}\r\n")
        assert plain.answer()[0] == 403


def test_own_pages_and_programs_get_a_websocket(shared: Served) -> None:
    with look(shared, origin=f"http://127.0.0.1:{shared.port}") as page, look(shared) as program:
        for one in (page, program):
            until(one, lambda message: message["why_gone"] == "silent")


def test_other_websockets_are_not_there(shared: Served) -> None:
    for path in ("/", "/ws", "/ws/other", "/static/js"):
        with Plain(shared.port) as plain:
            plain.upgrade(path)
            assert plain.answer()[0] == 404


@pytest.mark.parametrize(
    ("address", "local", "host", "good"),
    [
        ("0.0.0.0", "192.0.2.7", "192.0.2.7:80", True),
        ("0.0.0.0", "192.0.2.7", "192.0.2.7", True),
        ("0.0.0.0", "192.0.2.7", "192.0.2.8", False),
        ("::", "::ffff:192.0.2.7", "192.0.2.7", True),
        ("::", "2001:db8::7", "[2001:DB8::7]", True),
        ("::", "fe80::7%eth0", "[fe80::7]", True),
        ("2001:db8::7", "2001:db8::7", "[2001:db8::7]:80", True),
        ("0.0.0.0", "192.0.2.7", "evil.example", False),
        ("0.0.0.0", "192.0.2.7", "", False),
    ],
)
def test_the_address_that_a_browser_came_to_is_a_name(address: str, local: str, host: str, good: bool) -> None:
    assert Names(address, 80, ()).known(host, local) is good


@pytest.mark.parametrize(
    "host", ["http://pi.local", "pi local", "", "*", "*.local", "pi.local/", "a:b", ".local", "[", "pi.local:", "käse"]
)
def test_hosts_that_are_none(host: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"screen.hosts: {host!r}")):
        check_hosts(["pi.local", host])


def test_addresses_in_urls() -> None:
    assert [in_url(one) for one in ("127.0.0.1", "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "Pi")] == [
        "127.0.0.1", "[::1]", "[fe80::1]", "10.0.0.1", "pi",
    ]  # fmt: skip


# That it can only be looked at


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"])
def test_methods_that_change_things_are_refused(shared: Served, method: str) -> None:
    with Plain(shared.port) as plain:
        plain.request(method)
        status, headers, _body = plain.answer()
        assert (status, headers["allow"]) == (405, "GET, HEAD")
        assert plain.to_the_end() == b""


@pytest.mark.parametrize(
    "more", ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 99999999999\r\n"]
)
def test_bodies_are_not_taken(shared: Served, more: str) -> None:
    with Plain(shared.port) as plain:
        plain.request(more=more)
        assert plain.answer()[0] == 413
        assert plain.to_the_end() == b""


def _frame(payload: bytes, kind: int = 0x81, length: int | None = None) -> bytes:
    told = len(payload) if length is None else length
    size = bytes([0x80 | told]) if told < 126 else bytes([0xFF]) + told.to_bytes(8, "big")
    return bytes([kind]) + size + bytes(4) + payload


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (_frame(b"mute"), 1008),
        (_frame(b"mute", 0x82), 1008),
        (_frame(b""), 1008),
        (_frame(b"x" * 1025), 1009),
        (_frame(b"", length=1 << 40), 1009),
        (_frame(b"x", 0x01) + _frame(b"y" * 200, 0x00) * 6, 1009),
        (b"\x81\x05hello", 1002),
        (_frame(b"", 0xF1), 1002),
        (b"\xff" * 50, 1002),
        (_frame(b"\xff\xfe"), 1007),
        (_frame(b"\x03\xe8", 0x88), 1000),
    ],
)
def test_what_a_browser_says_ends_its_websocket(shared: Served, sent: bytes, code: int) -> None:
    with Plain(shared.port) as plain, look(shared) as other:
        plain.upgrade()
        assert plain.head()[0] == 101
        plain.socket.sendall(sent)
        close = b"\x88"
        told = b""
        while not re.search(re.escape(close) + b"." + code.to_bytes(2, "big"), told, re.DOTALL):
            piece = plain.socket.recv(65536)
            assert piece, told[-200:]
            told += piece
        shared.tell(scene(1))
        until(other, lambda message: message["alive"])  # which is felt by nobody else


def test_refusals_are_counted_by_reason(serving: Callable[..., Served]) -> None:
    served = serving()
    requests = (
        {"host": "evil.example"}, {"host": "evil.example"}, {"more": "Origin: http://evil.example\r\n"},
        {"method": "POST"}, {"more": "Content-Length: 5\r\n"}, {},
    )  # fmt: skip
    for request in requests:
        with Plain(served.port) as plain:
            plain.request(**request)
            plain.answer()
    assert served.end() == {"host": 2, "origin": 1, "method": 1, "body": 1}


# Browsers that are too many, or too slow


def cut_off(line: socket.socket) -> None:
    """Waits until the other side has cut a connection off; nothing is read."""
    poll = select.poll()
    poll.register(line, 0)  # errors and the end are always told
    assert poll.poll(20_000)


def test_too_many_screens_are_told_so_and_may_come_later(serving: Callable[..., Served]) -> None:
    served = serving(clients=2)
    with look(served) as first:
        first.recv()
        with look(served, "bench") as second:
            second.recv()
            with look(served) as third, pytest.raises(ConnectionClosed) as closed:
                third.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "too many screens")
        while True:  # until the place is free
            with look(served) as again:
                try:
                    again.recv()
                except ConnectionClosed:
                    continue
                break
        first.recv()
    assert served.end()["too_many"] >= 1


def test_fifty_tabs(serving: Callable[..., Served]) -> None:
    served = serving(clients=16)
    served.tell(START, HMI, scene(1))
    tabs = [Plain(served.port) for _ in range(50)]
    for tab in tabs:
        tab.upgrade()
    assert [tab.head()[0] for tab in tabs] == [101] * 50
    ended = Counter(tab.socket.recv(1)[0] for tab in tabs)  # a text, or the close
    assert ended == {0x81: 16, 0x88: 34}
    for tab in tabs:
        tab.socket.close()


def test_one_that_never_reads_is_dropped_and_no_other_waits(
    serving: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "STALLED_S", 1.0)
    monkeypatch.setattr(connections, "SENT_BYTES", 4096)
    served = serving()
    with Plain(served.port, small=True) as stuck, look(served) as other:
        stuck.upgrade()
        gone = threading.Event()

        waiting = threading.Thread(target=lambda: (cut_off(stuck.socket), gone.set()), daemon=True)
        waiting.start()
        number = 0
        while not gone.is_set():
            number += 1
            served.tell(scene(number, others=48))
            until(other, lambda message, n=number: message["scene"] and message["scene"]["unit_ms"] == n * 100)
        waiting.join(20)
    counters = served.end()
    assert counters["does_not_read"] == 1


def test_a_slow_one_gets_the_newest_not_all(serving: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SENT_BYTES", 4096)
    monkeypatch.setattr(views, "STALLED_S", 60.0)
    served = serving()
    with Plain(served.port, small=True) as slow, look(served) as other:
        slow.upgrade()
        assert slow.head()[0] == 101
        for number in range(1, 101):
            served.tell(scene(number, others=48))
            until(other, lambda message, n=number: message["scene"] and message["scene"]["unit_ms"] == n * 100)
        told = b""
        while b'"unit_ms": 10000' not in told:
            piece = slow.socket.recv(65536)
            assert piece
            told += piece
        assert told.count(b'"event": "scene"') < 30


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX: "])
def test_a_head_that_does_not_come_ends_the_connection(
    serving: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connections, "STEP_S", 0.2)
    with Plain(serving().port) as plain:
        plain.socket.sendall(begun)
        assert plain.to_the_end() in (b"", b"<reset>")


def test_trickling_bytes_does_not_make_it_longer(
    serving: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STEP_S", 0.3)
    with Plain(serving().port) as plain:
        plain.socket.sendall(b"GET / HTTP/1.1\r\nX: ")
        ended = threading.Event()
        thread = threading.Thread(target=lambda: (cut_off(plain.socket), ended.set()), daemon=True)
        thread.start()
        while not ended.wait(0.02):
            try:
                plain.socket.sendall(b"a")
            except OSError:
                break
        thread.join(20)
        assert ended.is_set()


def test_an_idle_connection_is_closed_after_its_answer(
    serving: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STEP_S", 1.0)
    with Plain(serving().port) as plain:
        plain.request()
        assert plain.answer()[0] == 200
        plain.request(path="/bench")
        assert plain.answer()[0] == 200
        assert plain.to_the_end() in (b"", b"<reset>")


def test_a_websocket_outlives_the_time_of_a_head(
    serving: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STEP_S", 0.5)
    served = serving()
    with look(served) as browser:
        for _ in range(4):  # 0.25 s apart
            browser.recv(timeout=20)


def test_connections_are_bounded(serving: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    served = serving(clients=1)
    most = 1 + connections.BEYOND
    many: list[Plain] = []
    refused = 0
    with contextlib.ExitStack() as stack:
        for _ in range(most + 20):
            try:
                many.append(stack.enter_context(Plain(served.port)))
            except ConnectionError:  # as fast as it can be told
                refused += 1
        for one in many:
            try:
                one.request()
                refused += one.socket.recv(1) == b""
            except ConnectionError:
                refused += 1
    assert refused == 20


@pytest.mark.parametrize(
    "garbage",
    [b"\0" * 5000, bytes.fromhex("160301020001000200fc0303") + bytes(range(256)), b"\r\n" * 100, b"GET\r\n\r\n",
     b"GET / HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
     b"GET http://evil.example/ HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 300_000],
)  # fmt: skip
def test_garbage_is_refused_and_felt_by_nobody(
    serving: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, garbage: bytes
) -> None:
    monkeypatch.setattr(connections, "STEP_S", 1.0)
    served = serving()
    with look(served) as other, Plain(served.port) as plain:
        plain.socket.sendall(garbage)
        answer = plain.to_the_end()
        assert answer in (b"", b"<reset>") or re.match(rb"HTTP/1.1 (400|403|405) ", answer), answer[:200]
        served.tell(scene(1))
        until(other, lambda message: message["alive"])


# That the document is true


def test_the_document_names_every_key_and_every_bound() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "screen.md").read_text(encoding="utf-8")
    told = page.partition("## Messages")[2]
    assert re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE) == list(json.loads(Messages().message("bench")))
    page = " ".join(page.split())
    said = [
        f"no scene for {messages.SILENT_S * 1000:.0f} ms",
        f"come {1 / views.GONE_S:.0f} times a second",
        f"after {views.STALLED_S:.0f} s without taking any",
        f"closed with code {views.CLOSE_TOO_MANY}",
        f"closed with code {views.CLOSE_READ_ONLY}",
        f"beyond {connections.BEYOND} connections more",
        f"more than {connections.FRAME_BYTES} bytes",
        f"cut off after {connections.STEP_S:.0f} s",
        f"the newest {messages.LATENCIES} changes",
        f"the newest {messages.SUPPORTS} `support`",
        f"at nice {NICE}",
        f"says nothing for {HUNG_S:.0f} s",
        "after 1, 2, 5, then each 10 s",
        f"websockets at once, {ScreenTable().clients};",
    ]
    assert [one for one in said if one not in page] == []
    assert AGAIN_S == (1.0, 2.0, 5.0, 10.0)
