"""What the tests of the page share."""

import shutil

import pytest

QUIET = ["--disable-gpu", "--disable-background-networking", "--no-sandbox"]


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window: Debian's, or the one that Playwright brings."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=QUIET
            )
        except api.Error as error:
            pytest.skip(f"needs Chromium: apt-get install chromium ({str(error)[:60]})")
        yield browser
        browser.close()
