"""Whether people with other eyes and hands can use a page, as axe-core sees it; it is not shipped and not fetched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from viewer.browser import Browser

PLACE = "AXE_CORE"
"""Environment variable that names `axe.min.js`."""
RUN = """axe.run(document, {resultTypes: ["violations"]}).then(found => JSON.stringify(found.violations.map(
  each => [each.impact, each.id, each.nodes.map(node => node.html.slice(0, 200))])))"""


def faults(page: Browser) -> list[tuple[str, str, list[str]]]:
    """Impact, rule and places of everything that axe finds wrong; skips the test where there is no axe."""
    path = Path(os.environ.get(PLACE, "axe.min.js"))
    if not path.is_file():
        pytest.skip(f"no axe here: npm pack axe-core, unpack it, and set {PLACE} to its package/axe.min.js")
    page.do(f"{path.read_text(encoding='utf-8')};0")
    return [tuple(each) for each in json.loads(page.do(RUN))]


def everywhere(page: Browser, *addresses: str) -> list[tuple[str, str, list[str]]]:
    """What is wrong with pages in a wide and in a narrow window, light and dark, with everything unfolded."""
    found = []
    for address in addresses:
        for width, dark in ((1280, False), (1280, True), (390, False)):
            page.size(width, 900, dark=dark)
            page.open(address)
            page.do("document.querySelectorAll('details').forEach(each => { each.open = true; })")
            found += faults(page)
    return found
