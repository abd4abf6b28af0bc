"""Takes the pictures of docs/pictures: real units play a demo, a headless browser shows ego's page in its states.

    python tools/pictures.py [FOLDER]      # needs chromium and fonts-ipafont-gothic, and three minutes

Each picture is of a moment of an encounter that `asvkit demo NAME --screen PORT` plays in real time.
"""

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asvrig.live.radio import free_udp_port

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pictures"
CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
MOST_BYTES: Final = 100_000
COLOURS: Final = 256  # of a picture's palette
View = tuple[str, tuple[int, int]]  # the page's address, and the display's size
DRIVER: Final[View] = ("/?lang=en", (800, 480))
JAPANESE: Final[View] = ("/?lang=ja", (800, 480))
DAY: Final[View] = ("/?lang=en&theme=light", (800, 480))
BENCH: Final[View] = ("/bench?lang=en", (1440, 900))
_ATTEMPTS: Final = 3  # at a demo that a busy machine let fail
_LOOK_MS: Final = 30
_SETTLED_MS: Final = 250  # after a change: the picture of a steady view

# What a page has to show: a part of the banner's state, or of the page's
_TOLD: Final = "(want) => { const b = document.getElementById('banner'); if (!b) return false;"
_MOMENT: Final = _TOLD + (
    " const seen = b.checkVisibility();"
    " const told = seen ? `${b.dataset.level} ${b.dataset.function}` : 'none';"
    " const held = !!b.querySelector('.icon.keep_watching');"
    " const fault = !!document.querySelector('.lamp.fault.lit'), gone = !document.getElementById('gone').hidden;"
    " if (want === 'gone') return gone; if (gone) return false;"
    " if (want === 'hold') return seen && held; if (want === 'fault') return fault;"
    " return told === want && !held; }"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its file's name, the moment, and the page."""

    name: str
    moment: str  # "none", level and function, "hold", "fault", "gone"
    view: View = DRIVER


# In the order in which the moments come
DEMOS: Final[dict[str, tuple[Picture, ...]]] = {
    "crossing_50": (
        Picture("nearby", "information surrounding"),
        Picture("crossing-information", "information crossing"),
        Picture("crossing-caution", "caution crossing"),
        Picture("bench", "caution crossing", BENCH),
        Picture("crossing-caution-ja", "caution crossing", JAPANESE),
        Picture("crossing-caution-day", "caution crossing", DAY),
        Picture("keep-watching", "hold"),
        Picture("gone", "gone"),
    ),
    "right_turn_50": (Picture("oncoming-caution", "caution right_turn"),),
    "left_turn_motorcycle": (Picture("behind-caution", "caution left_turn"),),
    "emergency_behind": (Picture("emergency", "information emergency"),),
    "crossing_fix_lost": (Picture("fault", "fault"),),
    "surrounding_far": (Picture("quiet", "none"),),
}


def take(demo: str, pictures: tuple[Picture, ...], browser: Any, folder: Path) -> bool:
    """Play a demo, and take its pictures at their moments; False if the demo ended before one of them."""
    port = free_udp_port()
    pages = {view: _page(browser, view) for view in dict.fromkeys(one.view for one in pictures)}
    try:
        with _playing(demo, port) as running:
            for (address, _size), page in pages.items():
                _open(page, f"http://127.0.0.1:{port}{address}", running)
            moment = ""
            for one in pictures:
                if not _await(pages[one.view], one.moment, running):
                    return False
                if one.moment != moment:
                    pages[one.view].wait_for_timeout(_SETTLED_MS)
                moment = one.moment
                _save(folder / f"{one.name}.png", pages[one.view].screenshot())
        return True
    finally:
        for page in pages.values():
            page.context.close()


def _await(page: Any, moment: str, running: "subprocess.Popen[bytes]") -> bool:
    """Until the page shows it; False if the demo is over before."""
    while not page.evaluate(_MOMENT, moment):
        if running.poll() is not None and moment != "gone":
            return False
        page.wait_for_timeout(_LOOK_MS)
    return True


@contextmanager
def _playing(demo: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "asvtools", "demo", demo, "--screen", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:  # noqa: S603
        try:
            yield running
        finally:
            running.terminate()


def _page(browser: Any, view: View) -> Any:
    """An empty page of the view's size; made before the demo begins, since that takes its time."""
    width, height = view[1]
    # Without motion: what blinks would be caught dark half of the time
    return browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce").new_page()


def _open(page: Any, url: str, running: "subprocess.Popen[bytes]") -> None:
    """The unit's page; the unit may not be there yet."""
    from playwright.sync_api import Error

    while running.poll() is None:
        try:
            page.goto(url)
        except Error:
            page.wait_for_timeout(_LOOK_MS)
        else:
            return


def _save(path: Path, png: bytes) -> None:
    """With a palette: small, and the same to the eye."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{path}: {size} bytes are more than {MOST_BYTES}")
    sys.stderr.write(f"{path.name}: {size} bytes\n")


def main(arguments: list[str]) -> None:
    """All pictures, or those of the demos that are named after the folder."""
    wrong = [one for place, one in enumerate(arguments) if one.startswith("-") or (place and one not in DEMOS)]
    if wrong:
        raise SystemExit(f"{wrong[0]}: no demo; usage: pictures.py [FOLDER [DEMO ...]]; demos: {', '.join(DEMOS)}")
    from playwright.sync_api import sync_playwright

    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for demo in arguments[1:] or DEMOS:
            if not any(take(demo, DEMOS[demo], browser, folder) for _attempt in range(_ATTEMPTS)):
                raise SystemExit(f"{demo}: a moment did not come, {_ATTEMPTS} times; is the machine busy?")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
