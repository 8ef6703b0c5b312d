"""A real browser for the tests that look at pages: Playwright's hands on a Chromium.

Promise: where either is missing, the test is skipped and says which. CHROMIUM names one that is not on the PATH.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser, while the block runs."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine; CHROMIUM can name one")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def watched(browser: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens an empty page. What is logged there ends up in .faults; none may be left at the end."""
    pages = []

    def open_page(**options: Any) -> Any:
        page = browser.new_page(reduced_motion="reduce", **options)
        page.faults = []
        page.on("console", lambda message: page.faults.append(message.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        assert page.faults == []
        page.close()
