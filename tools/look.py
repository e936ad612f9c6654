"""The built site → what a browser has to say against it, and pictures of its pages.

``python -m tools.look SITE OUT`` writes the pictures. It needs Playwright (``pip install
'.[browser]'``) and a Chromium: the one on the path, or Playwright's own.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}
QUESTION, ANSWER = "functional dropout", "rules/functional-dropout/"
TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is given)
        """Say nothing of requests."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a folder on this machine only; gives the address."""
    handler = partial(_Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def faults(site: Path, pictures: Path | None = None) -> list[str]:
    """Look at every page, at the width of a desk and of a phone.

    Args:
        site: The folder that ``mkdocs build`` has written.
        pictures: The folder for a picture of each page; without it, none is taken.

    Returns:
        What is wrong: pages wider than the window, errors in the console, requests that fail or
        go elsewhere, a search that doesn't find.
    """
    from playwright.sync_api import sync_playwright

    found: list[str] = []
    with served(site) as address, sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width in WIDTHS:
            found += _at(browser, width, address, site, pictures)
        browser.close()
    return found


def _at(browser: Browser, width: str, address: str, site: Path, out: Path | None) -> Iterator[str]:
    across, down = WIDTHS[width]
    page = browser.new_page(viewport={"width": across, "height": down})
    heard: list[str] = []
    page.on("console", lambda told: heard.append(told.text) if told.type == "error" else None)
    page.on("requestfailed", lambda request: heard.extend(_failed(request)))
    page.on("request", lambda request: heard.extend(_elsewhere(request.url, address)))
    for path in sorted(site.rglob("index.html")):
        name = path.parent.relative_to(site).as_posix()
        page.goto(f"{address}{name}/" if name != "." else address)
        if out:
            shown = name.replace("/", "-") if name != "." else "home"
            page.screenshot(path=out / f"{shown}-{width}.png", full_page=True)
        if page.evaluate(TOO_WIDE):
            yield f"{name}, {width}: wider than the window"
        yield from (f"{name}, {width}: {message}" for message in heard)
        heard.clear()
    if width == "desktop" and not _finds(page, address):
        yield f"the search for {QUESTION!r} doesn't lead to {ANSWER}"


def _failed(request: Request) -> list[str]:
    """A request that failed by itself, not because the browser went on to the next page."""
    why = request.failure or ""
    return [] if why == "net::ERR_ABORTED" else [f"{why}: {request.url}"]


def _elsewhere(url: str, address: str) -> list[str]:
    return [] if url.startswith((address, "data:", "blob:")) else [f"loads {url}"]


def _finds(page: Page, address: str) -> bool:
    page.goto(address)
    page.click("input[name=query]")
    page.keyboard.type(QUESTION)
    page.wait_for_selector("a.md-search-result__link", state="attached")
    first = page.get_attribute("a.md-search-result__link", "href") or ""
    return ANSWER in first


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    sys.exit("\n".join(faults(Path(sys.argv[1]), folder)) or 0)
