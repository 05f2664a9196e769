"""The pages in a real browser: every control used, by mouse and by key; nothing said on the console, nothing fetched
from elsewhere, nothing hostile run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ponder.runs.folder import Run
from ponder.viewer.server import Server
from tiny import make_tokenizer
from viewer.axe import everywhere
from viewer.browser import Browser, browser
from viewer.made import HOSTILE, served, write, write_hostile, write_step

pytestmark = pytest.mark.slow

COUNT = "document.querySelector('.count').textContent"
TITLE = "document.querySelector('h1').textContent"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = write(tmp_path_factory.mktemp("runs") / "run", steps=6, group=8)
    make_tokenizer().save_pretrained(folder / "checkpoints" / "000006")
    with served(folder) as server:
        yield server


@pytest.fixture
def page(server: Server) -> Iterator[Browser]:
    """A browser at the list; afterwards it must have had nothing to complain about, and asked nobody else."""
    with browser() as page:
        page.size(1280, 900)
        page.open(server.address)
        yield page
        assert page.complaints() == []
        assert all(address.startswith(server.address) for address in page.asked_for() if address != "about:blank")


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def choose(name: str, value: str) -> str:
    """Script that chooses a value in a control, as a person does."""
    changed = "e.dispatchEvent(new Event('change', {bubbles: true}))"
    return f"{{ const e = document.getElementById('{name}'); e.value = '{value}'; {changed} }}"


def test_every_choice_acts_at_once_and_stands_in_the_address(page: Browser, server: Server):
    choices = {
        "kind": ("training", 96),
        "reward": ("high", 48),
        "gold": ("fooled", 48),
        "outcome": ("truncated", 6),
    }
    for name, (value, count) in choices.items():
        page.go(choose(name, value))
        assert page.do(COUNT) == f"{count} rollouts"
        assert f"{name}={value}" in page.do("location.search")
    page.go("document.querySelector('.chips a').click()")
    assert "kind" not in page.do("location.search")
    page.go("document.querySelector('.chips a.all').click()")
    assert page.do("location.href") == server.address


def test_every_other_choice_too(page: Browser, server: Server):
    names = page.do("[...document.querySelectorAll('select')].map(e => e.id)")
    assert len(names) == 11
    for name in names:
        for value in page.do(f"[...document.getElementById('{name}').options].slice(1).map(e => e.value)"):
            page.go(choose(name, value))
            assert page.do(f"document.getElementById('{name}').value") == value
            page.open(server.address)


@pytest.mark.parametrize(("name", "value", "count"), [("step", "2-3", 32), ("thinking", "9-", 20), ("length", "-2", 0)])
def test_ranges_are_typed(page: Browser, name: str, value: str, count: int):
    page.do(f"document.getElementById('{name}').value = '{value}'")
    page.go("document.querySelector('form.filters button').click()")
    assert page.do(COUNT) == f"{count} rollouts"
    assert page.do("location.search") == f"?{name}={value}"


def test_search_by_keys(page: Browser):
    page.press("/")
    assert page.do("document.activeElement.id") == "text"
    page.call("Input.insertText", text="STEP 4.")
    page.press("j")
    assert page.do("document.getElementById('text').value") == "STEP 4.j"
    page.do("document.getElementById('text').value = 'STEP 4.'")
    page.go("document.querySelector('form.filters').requestSubmit()")
    assert page.do(COUNT) == "16 rollouts"


def test_a_walk_by_keys(page: Browser):
    page.follow("ArrowRight")
    assert "page=2" in page.do("location.search")
    page.follow("ArrowLeft")
    page.press("j")
    page.press("j")
    page.press("k")
    assert page.do("document.activeElement === document.querySelectorAll('a.rollout')[0]")
    page.go("document.activeElement.click()")
    where = "document.querySelector('.bar span').textContent"
    assert page.do(where) == "1 of 102"
    page.follow("j")
    page.follow("ArrowRight")
    assert page.do(where) == "3 of 102"
    page.press("t")
    until(lambda: "think=1" in page.do("location.search"))
    page.follow("k")
    assert page.do(where) == "2 of 102"
    assert page.do("document.querySelector('.thoughts').open")
    page.follow("c")
    assert page.do("document.querySelectorAll('.tokens pre span').length") == 3
    page.follow("c")
    page.follow("u")
    assert page.do("document.querySelectorAll('a.rollout').length") == 50


def test_relatives_are_reached(page: Browser, server: Server):
    page.open(f"{server.address}?checkpoint=after&attack=none&language=en")
    page.go("document.querySelector('a.rollout').click()")
    headings = page.do("[...document.querySelectorAll('.kin h2')].map(e => e.firstChild.textContent.trim())")
    assert headings == ["At other steps and checkpoints", "In another language", "Under attack"]
    page.go("document.querySelectorAll('.kin')[1].querySelector('a.rollout').click()")
    assert page.do(TITLE).startswith("sums-ja")


def test_news_of_a_run_that_goes_on(page: Browser, server: Server):
    assert page.do("document.getElementById('news').hidden")
    write_step(Run.open(server.site.run.path), 9)
    until(lambda: not page.do("document.getElementById('news').hidden"))
    assert page.do("document.querySelector('#news span').textContent") == "8 more rollouts."
    page.go("document.querySelector('#news a').click()")
    assert page.do(COUNT) == "110 rollouts"
    (server.site.run.path / "rollouts" / "reinforce-000009.parquet").unlink()
    until(lambda: server.site.index.count == 102)


def test_it_works_without_its_script(page: Browser, server: Server):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(f"{server.address}?gold=fooled")
    assert page.do(COUNT) == "48 rollouts"


@pytest.mark.parametrize(("width", "height"), [(390, 844), (768, 1024), (1280, 900)])
def test_nothing_is_wider_than_the_window(page: Browser, server: Server, width: int, height: int):
    page.size(width, height, dark=width == 390)
    link = page.do("document.querySelector('a.rollout').href")
    for address in (server.address, link, f"{link}?colour=1"):
        page.open(address)
        assert page.do("document.documentElement.scrollWidth") <= width


CONTRAST = """
(() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = (colour) => parts(colour).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (colour.startsWith('rgb') && (parts(colour)[3] ?? 1) === 1) return colour;
    }
  };
  const found = [];
  for (const e of document.querySelectorAll('main *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.matches('.off')) continue;
    const [one, two] = [light(getComputedStyle(e).color), light(behind(e))].sort((a, b) => b - a);
    if ((one + 0.05) / (two + 0.05) < 4.5) found.push(e.className + ': ' + e.textContent.slice(0, 40));
  }
  return found;
})()
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_can_be_told_from_its_ground(page: Browser, server: Server, dark: bool):
    page.size(1280, 900, dark=dark)
    page.open(f"{server.address}?gold=fooled")
    link = page.do("document.querySelector('a.rollout').href")
    assert page.do(CONTRAST) == []
    page.open(f"{link}&think=1")
    assert page.do(CONTRAST) == []


def test_axe_finds_nothing(page: Browser, server: Server):
    link = page.do("document.querySelector('a.rollout').href")
    assert everywhere(page, server.address, f"{link}?think=1", f"{link}?colour=1") == []


def test_hostile_texts_do_nothing(tmp_path: Path):
    folder = write_hostile(tmp_path / "run")
    make_tokenizer().save_pretrained(folder / "checkpoints" / "000001")
    with served(folder) as server, browser() as page:
        page.call("Page.addScriptToEvaluateOnNewDocument", source="window.alert = () => { window.harmed = true; }")
        page.open(server.address)
        links = page.do("[...document.querySelectorAll('a.rollout')].map(e => e.href)")
        assert len(links) == len(HOSTILE)
        for link in links:
            for state in ("?think=1", "?colour=1", "?whole=1&think=1"):
                page.open(link + state)
                assert page.do("window.harmed") is None
                assert page.do("document.querySelectorAll('script').length") == 1
                assert page.do("document.querySelectorAll('iframe, img, object, base, svg, style').length") == 0
                assert page.do("getComputedStyle(document.body).display") == "block"
        assert page.complaints() == []
        assert all(address.startswith(server.address) for address in page.asked_for() if address != "about:blank")
