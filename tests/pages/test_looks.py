"""Both pages at three widths, in light and dark: nothing overflows, axe-core finds nothing serious."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.conftest import World, make_world
from tests.pages.world import FIRST, Made, Opened, days_from, gold, make

WIDTHS = (360, 768, 1280)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    world: World = make_world(tmp_path_factory.mktemp("looks"))
    return make(world, gold(world.root / "gold.duckdb", days_from(FIRST, 4)).file)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["complaints", "runs"])
def test_axe_finds_nothing_serious(chromium: Browser, made: Made, name: str, scheme: Any) -> None:
    opened = Opened(chromium, made, name, scheme=scheme)
    if name == "complaints":
        opened.table("volume")
        opened.table("times")

    found = Axe().run(opened.page, options={"resultTypes": ["violations"]}).response["violations"]

    serious = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
    assert serious == []
    opened.close()


@pytest.mark.parametrize("name", ["complaints", "runs"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(chromium: Browser, made: Made, name: str, width: int) -> None:
    opened = Opened(chromium, made, name, width)

    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.page.locator("h1").count() == 1
    assert (opened.said, opened.asked) == ([], [])
    opened.close()
