"""The driver's page in a real browser: what is told is seen and read in both languages, and a unit that is gone too."""

from collections.abc import Iterator
from typing import Any

import pytest

from asvunit.screen import gallery
from pagetools import MEASURE, PageServer, Screen

WORDS = {
    "en": {
        "information": "Information", "caution": "Caution", "warning": "Warning", "crossing": "Crossing",
        "right_turn": "Oncoming", "left_turn": "From behind", "surrounding": "Nearby",
        "emergency": "Emergency vehicle", "left": "from the left", "right": "from the right",
        "both": "from left and right",
    },
    "ja": {
        "information": "情報提供", "caution": "注意喚起", "warning": "警報", "crossing": "出会い頭",
        "right_turn": "対向車", "left_turn": "後方車両", "surrounding": "周辺車両", "emergency": "緊急車両",
        "left": "左から", "right": "右から", "both": "左右から",
    },
}  # fmt: skip
ROLES = {"information": "status", "caution": "alert", "warning": "alert"}
TOLD = [name for name, state in gallery.STATES.items() if state.level != "none"]
# Least and most hue in degrees [G appendix 2]: information is another colour than red and yellow
HUES = {"information": (195, 255), "caution": (40, 65), "warning": (-12, 12)}


@pytest.fixture(scope="module")
def calm_screen(browser: Any, server: PageServer) -> Screen:
    context = browser.new_context(viewport={"width": 800, "height": 480}, reduced_motion="reduce")
    return Screen(context.new_page(), server)


@pytest.fixture
def screen(calm_screen: Screen) -> Iterator[Screen]:
    calm_screen.complaints.clear()
    yield calm_screen
    assert calm_screen.complaints == []


def hue(colour: tuple[int, int, int]) -> float:
    import colorsys

    degrees = 360 * colorsys.rgb_to_hsv(*(one / 255 for one in colour))[0]
    return degrees - 360 if degrees > 300 else degrees


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_level_function_and_side_is_seen_and_read(screen: Screen, language: str) -> None:
    """Name in the accessibility tree, colour, icon, arrow, size, contrast, nothing cut off [G appendix 2]."""
    screen.server.tell(gallery.message("quiet", 1, 0.0))
    screen.open(f"?lang={language}")
    for name in TOLD:
        message = gallery.message(name, 1, 0.0)
        screen.see(message)
        shown, words = message["shown"], WORDS[language]
        expected = [words[shown["level"]], words[shown["function"]]]
        expected += [words[shown["direction"]]] if shown["direction"] else []
        read = screen.page.get_by_role(
            ROLES[shown["level"]], name=", ".join([*expected, shown["text"][language]]), exact=True
        )
        assert read.count() == 1, name
        drawn = screen.banner()
        red, green, blue = (int(one) for one in drawn["colour"].removeprefix("rgb(").rstrip(")").split(","))
        low, high = HUES[shown["level"]]
        assert low <= hue((red, green, blue)) <= high, name
        sides = {"both": ["left", "right"], None: []}.get(shown["direction"], [shown["direction"]])
        assert drawn["arrows"] == sides, name
        assert drawn["icon"] == ("keep_watching" if name == "hold" else shown["function"]), name
        for text in screen.page.evaluate(MEASURE):
            assert text["contrast"] >= (7 if text["banner"] else 4.5), (name, text)
            assert text["inside"], (name, text)
            assert text["inBanner"], (name, text)
            assert text["px"] >= (44 if text["words"] else 18), (name, text)
    assert screen.page.evaluate("document.documentElement.lang") == language


def test_pixels_have_the_levels_colours(screen: Screen) -> None:
    """What the display's pixels are: much of the level's colour, and none of a level's while nothing is told."""
    screen.server.tell(gallery.message("quiet", 1, 0.0))
    screen.open()
    for level in gallery.LEVELS:
        screen.see(gallery.message(f"{level}_crossing_left", 1, 0.0))
        image = screen.image()
        count, colour = max(image.crop((0, 0, 470, 420)).getcolors(1 << 18))
        assert count > 60_000
        assert HUES[level][0] <= hue(colour) <= HUES[level][1]
    for name in ("quiet", "fault_gnss", "no_position", "system_off", "self_test"):
        screen.see(gallery.message(name, 1, 0.0))
        image = screen.image()
        for count, (red, green, blue) in image.getcolors(1 << 18):
            strong = max(red, green, blue) > 110 and max(red, green, blue) - min(red, green, blue) > 90
            levels = hue((red, green, blue)) < 75  # red and yellow
            assert not (strong and levels), f"{name}: {count} pixels of {(red, green, blue)}"


@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.long)])
def test_states_of_the_unit(screen: Screen, theme: str) -> None:
    """On, receiving, fault, muted in words, readable; nothing told is no banner at all."""
    expected = {
        "quiet": ["System on", "Receiving"],
        "not_receiving": ["System on", "Not receiving"],
        "system_off": ["System off", "Not receiving"],
        "fault_gnss": ["System on", "Receiving", "Fault: position"],
        "fault_can": ["System on", "Receiving", "Fault: vehicle data"],
        "fault_radio": ["System on", "Not receiving", "Fault: radio"],
        "muted": ["System on", "Receiving", "Muted"],
    }
    screen.server.tell(gallery.message("quiet", 1, 0.0))
    screen.open(f"?theme={theme}&lang=en")
    for name, told in expected.items():
        screen.see(gallery.message(name, 1, 0.0))
        strip = screen.page.get_by_role("status", name="State of the system")
        assert strip.inner_text().split() == " ".join(told).split(), name
        for text in screen.page.evaluate(MEASURE):
            assert text["contrast"] >= (7 if text["banner"] else 4.5), (name, text)
            assert text["inside"], (name, text)
        if name != "muted":
            assert screen.banner() == {**screen.banner(), "seen": False, "level": "none", "icon": None}
            assert screen.page.locator("#banner").text_content() == ""
    inks = screen.page.evaluate(
        "() => Object.fromEntries(['ground', 'text', 'soft', 'information-ink', 'caution-ink', 'warning-ink']"
        ".map((name) => [name, getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()]))"
    )
    for name, ink in inks.items():  # text on the canvas
        if name != "ground":
            assert contrast(ink, inks["ground"]) >= 4.5, name


def contrast(one: str, other: str) -> float:
    def light(text: str) -> float:
        values = (int(text[place : place + 2], 16) / 255 for place in (1, 3, 5))
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return sum(share * v for share, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    brighter, darker = sorted((light(one), light(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_birdseye_says_what_it_shows(screen: Screen) -> None:
    """Its text alternative, that it knows only vehicles with radio, and why it shows none."""
    screen.server.tell(gallery.message("caution_crossing_left", 1, 0.0))
    screen.open("?lang=en")
    picture = screen.page.get_by_role("img")
    picture.wait_for()
    assert picture.get_attribute("aria-label") == (
        "Bird's-eye view, ego in the middle. Shows only vehicles with radio. 6 vehicles with radio shown. "
        "Foremost: car, 32 m, on the left, Caution."
    )
    screen.page.get_by_text("Shows only vehicles with radio", exact=True).wait_for()
    screen.see(gallery.message("information_crossing_left", 1, 0.0))  # at once: a level is told as it is now
    assert (picture.get_attribute("aria-label") or "").endswith("Foremost: car, 45 m, on the left, Information.")
    screen.see(gallery.message("no_position", 1, 0.0))
    screen.page.get_by_text("Own position not known: other vehicles cannot be shown").wait_for()
    assert "Own position not known" in (picture.get_attribute("aria-label") or "")
    screen.see(gallery.message("north_up", 1, 0.0))
    screen.page.get_by_text("Heading not known: north is up").wait_for()


@pytest.mark.parametrize(
    ("language", "line"),
    [("en", "Not receiving: vehicles cannot be shown"), ("ja", "受信していないため車両を表示できません")],
)
def test_empty_picture_is_told_from_one_that_cannot_be_drawn(screen: Screen, language: str, line: str) -> None:
    """Without reception there is nothing to draw, whoever is there: said below the picture and in its alternative."""
    screen.server.tell(gallery.message("quiet", 1, 0.0))
    screen.open(f"?lang={language}")
    screen.see(gallery.message("quiet", 1, 0.0))
    assert screen.page.get_by_text(line).count() == 0
    for name in ("not_receiving", "system_off", "fault_radio"):
        screen.see(gallery.message(name, 1, 0.0))
        assert screen.page.locator("figcaption").text_content() == line, name
        assert line in (screen.page.get_by_role("img").get_attribute("aria-label") or ""), name
        assert all(text["inside"] and text["contrast"] >= 4.5 for text in screen.page.evaluate(MEASURE)), name


def test_birdseye_draws_where_vehicles_are(screen: Screen) -> None:
    """Pixels at the place of a target, at the conflict, at ego; nothing there when it is gone."""
    screen.server.tell(gallery.message("caution_crossing_left", 1, 0.0))
    screen.open()
    screen.see(gallery.message("caution_crossing_left", 1, 0.0))
    image = screen.image()
    box = screen.page.locator("canvas").bounding_box()
    scale = box["height"] * 0.66 / 100  # pixels a metre

    def at(ahead_m: float, right_m: float) -> tuple[int, int, int]:
        x, y = box["x"] + box["width"] / 2 + right_m * scale, box["y"] + box["height"] * 0.66 - ahead_m * scale
        found: tuple[int, int, int] = image.getpixel((round(x), round(y)))
        return found

    assert HUES["caution"][0] <= hue(at(8.0, -31.0)) <= HUES["caution"][1]
    assert HUES["caution"][0] <= hue(at(8.0, -15.0)) <= HUES["caution"][1]  # its way
    assert min(at(0, 0)) > 200
    screen.see(gallery.message("no_position", 1, 0.0))
    screen.page.wait_for_function("() => document.getElementById('banner').hidden")
    image, box = screen.image(), screen.page.locator("canvas").bounding_box()
    assert max(at(8.0, -31.0)) < 60


def test_vehicles_beyond_the_edge_are_counted(screen: Screen) -> None:
    """An empty picture while someone is heard farther away would read as no one: in the corner stands how many more."""
    message = gallery.message("quiet", 1, 0.0)
    scene = {**message["scene"], "others": []}

    def corner(others: list[dict[str, Any]]) -> int:
        screen.see({**message, "scene": {**scene, "others": others}})
        return int(max(max(colour) for _count, colour in screen.image().crop((700, 5, 800, 32)).getcolors()))

    screen.server.tell(message)
    screen.open("?lang=en")
    assert corner([]) < 60
    assert corner([{**message["scene"]["others"][0], "ahead_m": 300.0}]) > 120
    assert corner([{**message["scene"]["others"][0], "ahead_m": 30.0}]) < 60


@pytest.mark.long
def test_change_is_noticed_and_calm_is_honoured(browser: Any, server: PageServer) -> None:
    """A new cue moves the banner, three times a second at most; the same one again does not; calm: nothing moves."""
    running = "() => document.getAnimations().map((one) => one.effect.getComputedTiming().duration)"
    for wish, moves in (("no-preference", True), ("reduce", False)):
        context = browser.new_context(viewport={"width": 800, "height": 480}, reduced_motion=wish)
        screen = Screen(context.new_page(), server)
        server.tell(gallery.message("quiet", 1, 0.0))
        screen.open()
        screen.see(gallery.message("information_crossing_left", 1, 0.0))
        screen.page.wait_for_function("() => document.getAnimations().length === 0")
        message = gallery.message("caution_crossing_left", 1, 0.0)
        n = server.tell(message)
        seen = screen.page.wait_for_function(
            f"n => Number(document.getElementById('view').dataset.n) >= n && ({running})()", arg=n, polling="raf"
        ).json_value()
        assert bool(seen) == moves, wish
        assert all(duration >= 1000 / 3 for duration in seen if duration == 400)
        if moves:
            screen.page.wait_for_function("() => document.getAnimations().length === 0")
            screen.see(message)
            assert screen.page.evaluate(running) == []
            screen.see({**message, "shown": {**message["shown"], "cue_n": message["shown"]["cue_n"] + 1}})
            assert screen.page.evaluate(running) != []
        context.close()
        assert screen.complaints == []


def test_self_test_is_told(screen: Screen) -> None:
    screen.server.tell(gallery.message("self_test", 1, 0.0))
    screen.open("?lang=ja")
    screen.page.get_by_role("heading", name="自己診断").wait_for()
    screen.see(gallery.message("caution_crossing_left", 1, 0.0))  # a support goes before
    assert screen.page.get_by_role("heading", name="自己診断").count() == 0
    assert screen.page.get_by_role("alert").count() == 1


@pytest.mark.long
def test_display_sizes(screen: Screen) -> None:
    """From a small display to a desktop: nothing is cut off, and the text grows with the display."""
    screen.server.tell(gallery.message("quiet", 1, 0.0))
    screen.open("?lang=en")
    for width, height in ((1024, 600), (1280, 720), (1920, 1080), (480, 800)):
        screen.page.set_viewport_size({"width": width, "height": height})
        for name in ("information_left_turn_right", "caution_crossing_both", "fault_can"):
            screen.see(gallery.message(name, 1, 0.0))
            for text in screen.page.evaluate(MEASURE):
                assert text["inside"], (width, name, text)
                assert text["inBanner"], (width, name, text)
                if text["words"]:
                    assert text["px"] >= 44 * min(width / 800, height / 480, 1), (width, name, text)
    screen.page.set_viewport_size({"width": 800, "height": 480})
