"""The report's pages in a real browser: nothing fetched, nothing hostile run, usable by keyboard and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from measure.synthetic import rollout, whole_run
from ponder.measure import bill
from ponder.report.compare import html
from ponder.report.page import write_report
from ponder.runs.query import connect
from ponder.runs.result import Number, write_result
from report.test_compare import asked_alike
from report.test_page import HOSTILE, made
from viewer.axe import everywhere
from viewer.browser import Browser, browser

pytestmark = pytest.mark.slow

CLAIMS = Path(__file__).parents[2] / "docs" / "claims.html"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report with every section, the page of two runs, and the claims."""
    folder = tmp_path_factory.mktemp("runs")
    rows = [asked_alike(row) for row in whole_run(problems=8)]
    rows += [rollout("after", str(at), 1.0, difficulty=float(at % 3), thinking="so so") for at in range(100, 112)]
    rows += [rollout("after", str(at), float(at % 2), attack="noise", strength=0.5) for at in range(8)]
    manifest = {"recipe": {"name": "made", "rl": {"paid_by": "hasty"}}}
    runs = [made(folder / name, rows, gold=(0.4, 0.3, 0.2, 0.1), manifest=manifest) for name in ("one", "two")]
    gaps = {"watch.gap.opening": Number(0.1, 0.05, 0.15, 9), "watch.gap.last": Number(0.4, 0.3, 0.5, 9)}
    connection, _ = connect(runs[0])
    with connection:
        costs = bill.numbers(connection, price=(1.0, 2.0), seconds={"after": 3.0})
    write_result(runs[0], gaps | {"watch.alarm_step": Number(2.0, None, None, 3, "step")} | costs)
    compared = folder / "compared.html"
    compared.write_text(html(runs, changed={"seed": (1, 2)}), encoding="utf-8")
    report = write_report(runs[0])
    assert all(
        f"<h2>{title}</h2>" in report.read_text() for title in ("What a right answer costs", "What attacks come to")
    )
    return {"report": report, "compare": compared, "claims": CLAIMS}


@pytest.fixture
def page() -> Iterator[Browser]:
    with browser() as page:
        yield page
        assert page.complaints() == []
        assert all(address.startswith("file:") for address in page.asked_for() if address != "about:blank")


@pytest.mark.parametrize("name", ["report", "compare", "claims"])
def test_axe_finds_nothing(page: Browser, pages: dict[str, Path], name: str):
    assert everywhere(page, pages[name].as_uri()) == []


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("name", ["report", "compare", "claims"])
def test_nothing_is_wider_than_the_window(page: Browser, pages: dict[str, Path], name: str, width: int):
    page.size(width, 900)
    page.open(pages[name].as_uri())
    page.do("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert page.do("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["report", "compare"])
def test_everything_that_unfolds_or_scrolls_is_reached_by_keyboard(page: Browser, pages: dict[str, Path], name: str):
    page.open(pages[name].as_uri())
    wanted = page.do("document.querySelectorAll('summary, .scroll, pre.tall, a').length")
    reached = "document.activeElement.matches('summary, .scroll, pre.tall, a')"
    seen = 0
    for _ in range(wanted):
        page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
        assert page.do(reached)
        seen += 1
        if page.do("document.activeElement.matches('summary') && !document.activeElement.parentElement.open"):
            page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", text="\r", windowsVirtualKeyCode=13)
            page.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", windowsVirtualKeyCode=13)
            assert page.do("document.activeElement.parentElement.open")
    assert seen == wanted >= 6


def test_numbers_behind_pictures_are_printed(page: Browser, pages: dict[str, Path]):
    page.open(pages["report"].as_uri())
    assert not page.do("document.querySelector('details.numbers').open")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.do("document.querySelector('details.numbers table').getBoundingClientRect().height") > 20
    page.call("Page.printToPDF")


def test_hostile_texts_do_nothing(page: Browser, tmp_path: Path):
    rows = [
        rollout("after", str(at), 0.0, domain=evil[:80], thinking=evil, answer=evil, question=evil)
        for at, evil in enumerate(HOSTILE)
    ]
    manifest = {"recipe": {"name": HOSTILE[0], HOSTILE[1]: HOSTILE[2], "rl": {"paid_by": HOSTILE[1]}}}
    folders = [made(tmp_path / name, rows, manifest=manifest, gold=(0.4, 0.3)) for name in ("a", "<svg onload=1>")]
    compared = tmp_path / "compared.html"
    compared.write_text(html(folders, changed={HOSTILE[0]: (HOSTILE[1], HOSTILE[3])}), encoding="utf-8")
    page.call("Page.addScriptToEvaluateOnNewDocument", source="window.alert = () => { window.harmed = true; }")
    for path in (write_report(folders[0]), compared):
        page.open(path.as_uri())
        page.do("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert page.do("window.harmed") is None
        assert page.do("document.querySelectorAll('script, iframe, img, object, base, link, form').length") == 0
        assert page.do("document.querySelectorAll('style').length") == 1
        assert page.do("getComputedStyle(document.body).display") == "block"
