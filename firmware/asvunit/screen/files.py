"""The page's files, read once into memory: what is not there at the start is not served, whatever the path says."""

from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parent / "page"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
}
PAGES: Final = {"/": "index.html", "/bench": "bench.html"}


def page_files(folder: Path = PAGE) -> dict[str, tuple[bytes, str]]:
    """Content and type by path: the pages, and `/static/...` for every file of a known kind."""
    files = {
        f"/static/{path.relative_to(folder).as_posix()}": (path.read_bytes(), TYPES[path.suffix])
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in TYPES
    }
    for url, name in PAGES.items():
        files[url] = files.pop(f"/static/{name}")
    return files
