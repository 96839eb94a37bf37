"""Tests of pages/, run by the Python of requirements/pages-test.txt; elsewhere they are not collected."""

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

collect_ignore_glob = []
if find_spec("playwright") is None or find_spec("vl_convert") is None:
    collect_ignore_glob.append("test_*.py")
else:
    from playwright.sync_api import Browser, sync_playwright

    CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")

    @pytest.fixture(scope="session")
    def chromium() -> Iterator[Browser]:
        if CHROMIUM is None:
            pytest.skip("no Chromium on PATH, nor named by CHROMIUM: nothing can open the pages")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            yield browser
            browser.close()
