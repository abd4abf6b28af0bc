"""A unit that is gone is seen to be gone within a second; garbage and foreign words do nothing to the pages."""

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from asvunit.screen import gallery
from pagetools import PageServer, Screen

GONE_MS = 1000
STAND_STILL = """async () => {
  let flaps = 0;
  const gone = document.getElementById("gone");
  new MutationObserver(() => { if (!gone.hidden) flaps += 1; }).observe(gone, { attributes: true });
  const until = performance.now() + 1500;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 300));
  return flaps;
}"""
HOSTILE = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"


@pytest.fixture
def screen(browser: Any, server: PageServer) -> Iterator[Screen]:
    server.tell(gallery.message("caution_crossing_left", 1, 0.0))
    server.patient = False
    context = browser.new_context(viewport={"width": 800, "height": 480}, reduced_motion="reduce")
    made = Screen(context.new_page(), server)
    yield made
    server.patient = True
    context.close()
    # A websocket that a server refuses or leaves is written down by the browser itself
    assert [one for one in made.complaints if "WebSocket" not in one] == []


def is_gone(screen: Screen) -> bool:
    """The unit is said to be gone; then banner, picture and states are not there, nor in the accessibility tree."""
    gone: bool = screen.page.locator("#gone").is_visible()
    assert screen.page.locator("#view").is_visible() != gone
    if gone:
        assert screen.page.get_by_role("alert").count() == 0
        assert screen.page.get_by_role("img").count() == 0
        assert screen.page.locator("#banner, #strip").all_text_contents() == ["", ""]
    return gone


@pytest.mark.parametrize("path", ["/", pytest.param("/bench", marks=pytest.mark.long)])
def test_silence_is_seen_within_a_second(screen: Screen, server: PageServer, path: str) -> None:
    """By the page's own clock, which the test moves on: no message for 700 ms; and back with the next one."""
    screen.page.clock.install()
    screen.page.clock.pause_at(time.time() + 60)
    screen.open("?lang=en", path)
    screen.see(gallery.message("caution_crossing_left", 1, 0.0))
    server.pause()
    screen.page.clock.run_for(500)
    assert not is_gone(screen)
    screen.page.clock.run_for(GONE_MS - 500)
    screen.page.locator("#gone").wait_for()  # its clock stands: by now or never
    assert is_gone(screen)
    assert screen.page.get_by_role("heading", name="The unit does not answer").count() == 1
    screen.page.clock.resume()
    screen.see(gallery.message("quiet", 1, 0.0))
    screen.page.locator("#gone").wait_for(state="hidden")
    assert not is_gone(screen)


def test_gone_states_say_why_in_neutral_colours(screen: Screen, server: PageServer) -> None:
    """Stopped, silent, lost: said in the language, without any strong colour."""
    words = {"stopped": "停止しました", "silent": "応答がありません", "lost": "接続されていません"}
    screen.open("?lang=ja")
    for why, text in words.items():
        screen.see(gallery.message("caution_crossing_left", 1, 0.0))
        server.tell(gallery.message(f"gone_{why}", 1, 0.0))
        screen.page.get_by_role("heading").filter(has_text=text).wait_for()
        assert is_gone(screen)
        for _count, colour in screen.image().getcolors(1 << 18):
            assert max(colour) - min(colour) < 40, (why, colour)


def test_lost_connection_and_back(screen: Screen, server: PageServer) -> None:
    """A closed socket is seen at once; the page opens another by itself and says no more than it knows."""
    screen.open("?lang=en")
    screen.see(gallery.message("caution_crossing_left", 1, 0.0))
    opened = server.opened
    server.refuse(1001, "bye")
    screen.page.get_by_role("heading", name="No connection to the unit").wait_for()
    assert is_gone(screen)
    screen.see(gallery.message("information_emergency", 1, 0.0))
    screen.page.get_by_role("status", name="Information, Emergency vehicle, Emergency vehicle nearby").wait_for()
    assert server.opened > opened
    server.refuse(1013, "too many screens")
    screen.page.get_by_role("heading", name="Too many screens are connected").wait_for()
    assert is_gone(screen)
    screen.see(gallery.message("quiet", 1, 0.0))
    screen.page.locator("#view").wait_for()


def test_old_messages_are_not_shown_as_current(screen: Screen, server: PageServer) -> None:
    """What waited on the way for longer than others is late: the page says so and begins anew."""
    screen.open("?lang=en")
    screen.see(gallery.message("quiet", 1, 0.0))
    opened = server.opened
    message = gallery.message("caution_crossing_left", 10**9, 0.0)
    server.send(*(json.dumps({**message, "n": 10**9 + n, "t": time.time() - 30}) for n in range(3)))
    screen.page.locator("#gone").wait_for()
    assert screen.page.get_by_role("alert").count() == 0
    screen.see(gallery.message("quiet", 1, 0.0))
    screen.page.locator("#view").wait_for()
    assert server.opened > opened


def test_garbage_is_no_message(screen: Screen, server: PageServer) -> None:
    """It changes nothing that is seen, keeps nothing alive, and the page goes on after it."""
    good = gallery.message("caution_crossing_left", 10**9, 0.0)
    deep = "[" * 50_000 + "]" * 50_000
    huge = {**good, "scene": {**good["scene"], "others": good["scene"]["others"] * 200}}
    garbage: list[str | bytes] = [
        "", "null", "[]", "0", '"x"', "{", '{"n": 1}', '{"n": "1", "t": 0, "alive": true}', deep, b"\x00\xff\x80",
        '{"n": 1, "t": 1e999, "alive": true, "shown": {}}', '{"n": 1, "t": 1, "alive": "true", "shown": {}}',
        '{"n": 1, "t": 1, "alive": true}', '{"n": 1, "t": 1, "alive": true, "shown": []}',
    ]  # fmt: skip
    screen.open("?lang=en")
    screen.see(gallery.message("information_emergency", 1, 0.0))
    server.send(*garbage)
    screen.page.locator("#gone").wait_for()  # only good ones keep it
    screen.see(gallery.message("information_emergency", 1, 0.0))
    odd = {
        "n": 10**9, "alive": True, "shown": {"level": "RED", "function": 7, "text": [], "cue_n": "x"},
        "inputs": [1], "signals": {"speed": 3}, "lamps": {"a": 1}, "system": None, "unit": 4, "radio": [],
        "supports": 3, "latency": {"last": [None, 4, {}], "statistics": []}, "own_message": 3, "language": "__proto__",
        "scene": {"ego": {"available": True}, "others": [None, {}, {"ahead_m": 1, "right_m": "2"},
                  {"ahead_m": 1e300, "right_m": -1e300, "kind": "constructor", "presented": True}],
                  "conflicts": [{"point": [1]}, {"point": ["a", None]}, 4, {"point": [1, 2], "l3": 4}]},
    }  # fmt: skip
    for one in (odd, huge):
        screen.see(one)
    screen.see(gallery.message("quiet", 1, 0.0))


def test_foreign_words_stay_words(screen: Screen, server: PageServer) -> None:
    """Sources, details and texts with markup in them are read as they are; nothing of them runs [CSP]."""
    server.patient = True
    message = gallery.message("caution_crossing_left", 1, 0.0, "bench")
    for other in message["scene"]["others"]:
        other.update(source=HOSTILE, kind=HOSTILE, reason=HOSTILE, function=HOSTILE)
    message["shown"]["text"] = {"en": HOSTILE, "ja": HOSTILE}
    message["unit"]["asvkit"] = HOSTILE
    message["inputs"] = {HOSTILE: {"state": HOSTILE, "reason": HOSTILE, "detail": HOSTILE, "since": HOSTILE}}
    message["supports"][0].update(why=HOSTILE, source=HOSTILE)
    message["lamps"] = [HOSTILE]
    for path in ("/", "/bench"):
        screen.open("?lang=en&theme=%3Cscript%3E", path)
        screen.see(message)
        assert screen.page.locator("img, script:not([src])").count() == 0
        assert screen.page.title() in ("asvkit", "Bench monitor")
        assert HOSTILE[:20] in screen.page.locator("#banner").inner_text()
    assert server.paths[-2:] == ["/ws/driver", "/ws/bench"]


def test_bench_has_real_tables(screen: Screen, server: PageServer) -> None:
    """Tables with names and headings; what they say, in both languages."""
    expected = {
        "en": {"Neighbours": 6, "Inputs": 6, "Vehicle signals": 5, "Latency, ms": 4, "Latency of the run, ms": 4,
               "Explanations": 8, "Radio": 7, "Own message": 4},
        "ja": {"周辺の通信車両": 6, "入力": 6, "車両信号": 5, "遅延, ms": 4, "全体の遅延, ms": 4, "判定の説明": 8,
               "無線": 7, "自車の電文": 4},
    }  # fmt: skip
    rows = {
        "en": "2040 car Caution Crossing 31.0 8 / -31 40 90 2.8 1.5",
        "ja": "2040 乗用車 注意喚起 出会い頭 31.0 8 / -31",
    }
    server.patient = True
    screen.page.set_viewport_size({"width": 1440, "height": 900})
    for language, tables in expected.items():
        screen.open(f"?lang={language}", "/bench")
        screen.see(gallery.message("caution_crossing_left", 1, 0.0, "bench"))
        for name, count in tables.items():
            table = screen.page.get_by_role("table", name=name, exact=True)
            assert table.get_by_role("row").count() == count + 1, name
            assert table.get_by_role("columnheader").count() > 1
            assert table.get_by_role("rowheader").count() == count
        first = screen.page.get_by_role("table", name=next(iter(tables)), exact=True).get_by_role("row").nth(1)
        assert " ".join(first.inner_text().split()).startswith(rows[language])
    latency = screen.page.get_by_role("table", name="遅延, ms", exact=True).get_by_role("row").nth(1)
    assert latency.inner_text().split()[1:] == [
        "注意喚起", "受信電文", "0.06", "0.15", "0.23", "0.40", "0.45", "0.50", "0.87", "1.01", "1.10", "0.4", "%",
    ]  # fmt: skip


@pytest.mark.long
def test_unit_decides_the_language_unless_asked(screen: Screen) -> None:
    screen.open()
    screen.see(gallery.message("hold", 1, 0.0, language="ja"))
    screen.page.get_by_role("status", name="引き続き周囲を確認してください").wait_for()
    assert screen.page.evaluate("document.documentElement.lang") == "ja"
    screen.open("?lang=en")
    screen.see(gallery.message("hold", 1, 0.0, language="ja"))
    screen.page.get_by_role("status", name="Keep watching the road").wait_for()


@pytest.mark.long
def test_a_page_that_stood_still_draws_the_newest_and_takes_none_for_late(screen: Screen, server: PageServer) -> None:
    """Messages that waited for a busy page itself are no sign that the unit is gone: the newest of them is current."""
    screen.open("?lang=en")
    screen.see(gallery.message("caution_crossing_left", 1, 0.0))
    for _attempt in range(10):
        server.sent_s.clear()
        flaps = screen.page.evaluate(STAND_STILL)
        gaps_s = [later - one for one, later in itertools.pairwise(server.sent_s)]
        if max(gaps_s) < 0.4:  # the machine let the server send
            break
        screen.page.locator("#view").wait_for()
    assert max(gaps_s) < 0.4
    assert flaps == 0
