"""The report of made-up runs: inert, complete, and left out where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from measure.synthetic import rollout, whole_run
from ponder.measure import bill, transfer
from ponder.report.page import write_report
from ponder.report.text import points, sentences, span
from ponder.runs.folder import Run
from ponder.runs.query import connect
from ponder.runs.result import Number, write_result
from ponder.runs.table import write_rollouts
from ponder.types import PonderError, Rollout

MANIFEST = {
    "recipe": {"name": "quickstart", "model": {"name": "smollm2-135m"}, "reinforce": {"group_size": 6}},
    "seeds": {"policy": 1},
    "versions": {"python": "3.11.7", "torch": "2.13.0"},
    "git_commit": "c7de4f9",
}

HOSTILE = [
    "<script>alert(1)</script>",
    "</pre></article><img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a><svg onload=alert(1)>',
    "</style><style>body{display:none}</style><meta http-equiv=refresh content='0;url=//x'>",
    "'\"><iframe srcdoc='<script>1</script>'></iframe><base href=//x>",
    "\x00\x1b[2J\u202egnp.exe\u2066 {style} %s {0}",
    "x" * 1_000_000,
]


class Page(HTMLParser):
    """Every tag with its attributes, the text, and whether tags close in order."""

    VOID = frozenset({"meta"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}


def made(
    folder: Path,
    rollouts: Sequence[Rollout] = (),
    *,
    steps: int = 0,
    manifest: dict | None = None,
    gold: Sequence[float] = (),
) -> Path:
    """A run folder with these rollouts measured and so many steps logged, or some that paid .5 where gold is this."""
    with Run.create(folder, manifest or MANIFEST) as run:
        for step in range(steps):
            run.log_metrics("reinforce", step, {"reward": step / 10, "share_thinking": 0.5})
        for step, right in enumerate(gold):
            run.log_metrics("reinforce", step, {"reward": 0.5, "gold": right})
        if rollouts:
            write_rollouts(run.measured_file("transfer"), rollouts, run=run.name)
    return folder


def written(folder: Path) -> tuple[str, Page]:
    html = write_report(folder).read_text(encoding="utf-8")
    return html, Page(html)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = made(tmp_path_factory.mktemp("runs") / "made-up", list(whole_run(problems=24)), steps=5)
    write_result(path, {"cost.minutes": Number(11.25, None, None, 1, "minutes")})
    return path


class TestWhole:
    def test_headings(self, run: Path):
        _, page = written(run)
        for heading in (
            "Where it carried",
            "The numbers behind it",
            "What each training carried to",
            "What the gain is made of",
            "How it learned",
            "What went wrong",
            "What thinking buys",
            "Completions to read",
            "What was run",
        ):
            assert heading in page.text
        assert page.open == []

    def test_one_file_without_network_or_scripts(self, run: Path):
        html, page = written(run)
        policy = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
        assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
        assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & page.names()
        assert "url(" not in html
        assert "@import" not in html
        assert "://" not in html

    def test_numbers_are_the_tables(self, run: Path):
        _, page = written(run)
        connection, _ = connect(run)
        table = transfer.table(connection)
        assert page.text.count(sentences(table)[0]) == 1
        for row in (*table.tiers, *table.domains):
            assert points(row.changes["gain"]) in page.text
            for condition in table.conditions:
                accuracy = row.accuracy(condition)
                assert accuracy is not None
                assert f"{accuracy.value * 100:.0f}{span(accuracy)}" in page.text

    def test_every_picture_has_its_numbers_behind_it(self, run: Path):
        _, page = written(run)
        pictures = [a["class"] for tag, a in page.tags if tag == "svg" and a.get("class", "key") != "key"]
        assert set(pictures) == {"whiskers", "curve", "dots"}
        folded = [a.get("class") for tag, a in page.tags if tag == "details"].count("numbers")
        assert folded == 3  # the profile, the curves of one stage, the ways of thinking

    def test_every_table_that_scrolls_has_a_name_and_takes_the_focus(self, run: Path):
        _, page = written(run)
        scrolls = [a for tag, a in page.tags if a.get("class") == "scroll"]
        assert len(scrolls) >= 6
        assert all(a["tabindex"] == "0" and a["role"] == "group" and a["aria-label"] for a in scrolls)

    def test_facts(self, run: Path):
        _, page = written(run)
        for fact in ("quickstart", "smollm2-135m", "Reinforcement learning 5", "11.2", "torch 2.13.0", "c7de4f9"):
            assert fact in page.text
        assert "reinforce.group_size" in page.text

    def test_twenty_completions_of_every_domain(self, run: Path):
        _, page = written(run)
        assert sum(tag == "article" for tag, _ in page.tags) == 20
        for domain in ("chains", "programs", "legs", "coin", "where", "calendar", "colours", "letters"):
            assert f"{domain} " in page.text

    def test_the_same_run_gives_the_same_bytes(self, run: Path):
        assert write_report(run).read_bytes() == write_report(run).read_bytes()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Page]:
    rows = [
        rollout("after", str(i), 0.0, domain=evil[:80], thinking=evil, answer=evil, question=evil)
        for i, evil in enumerate(HOSTILE)
    ]
    manifest = {
        "recipe": {"name": HOSTILE[0], HOSTILE[1]: HOSTILE[2]},
        "git_commit": HOSTILE[3],
        "seeds": HOSTILE[4],
    }
    folder = tmp_path_factory.mktemp("runs") / "<script>x<&>"[:7]
    return written(made(folder, rows, manifest=manifest))


class TestHostile:
    def test_no_markup_comes_through(self, hostile: tuple[str, Page]):
        tags = hostile[1].tags
        assert not {"script", "img", "a", "iframe", "base", "link"} & hostile[1].names()
        assert sum(tag == "style" for tag, _ in tags) == 1
        assert sum(tag == "meta" for tag, _ in tags) == 4
        assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
        assert not [value for _, a in tags for value in a.values() if value and "javascript:" in value]
        assert hostile[1].open == []

    def test_it_is_there_to_read(self, hostile: tuple[str, Page]):
        assert "<script>alert(1)</script>" in hostile[1].text
        assert "⟨U+0000⟩⟨U+001B⟩[2J⟨U+202E⟩gnp.exe⟨U+2066⟩" in hostile[1].text
        assert "\x00" not in hostile[0]
        assert "\u202e" not in hostile[0]

    def test_a_megabyte_is_cut(self, hostile: tuple[str, Page]):
        assert "more characters are not shown" in hostile[1].text
        assert len(hostile[0]) < 200_000


class TestPaid:
    def test_a_reward_that_leaves_right_answers_behind_is_in_the_opening(self, tmp_path: Path):
        manifest = {"recipe": {"rl": {"paid_by": "hasty"}}}
        folder = made(tmp_path / "run", [rollout("after", "0", 1.0)], manifest=manifest, gold=(0.4, 0.3, 0.2))
        gaps = {"opening": Number(0.1, 0.05, 0.15, 9), "last": Number(0.4, 0.3, 0.5, 9)}
        write_result(folder, {f"watch.gap.{name}": gap for name, gap in gaps.items()})
        text = written(folder)[1].text
        assert "What the verifier hasty pays left behind what is right" in text
        assert "paid by hasty, 0.50 → 0.50" in text and "right, by gold, 0.40 → 0.20" in text

    def test_where_gold_paid_there_is_nothing_to_tell(self, tmp_path: Path):
        folder = made(tmp_path / "run", [rollout("after", "0", 1.0)], gold=(0.5, 0.5, 0.5))
        assert "What was paid" not in written(folder)[1].text


class TestMissing:
    def test_an_empty_run(self, tmp_path: Path):
        _, page = written(made(tmp_path / "run"))
        assert "Nothing has been measured yet." in page.text
        assert "What was run" in page.text
        for heading in ("Where it carried", "How it learned", "What went wrong", "Completions to read"):
            assert heading not in page.text
        assert page.open == []

    def test_without_reinforcement(self, tmp_path: Path):
        rows = [row for row in whole_run(problems=6) if row.cell.checkpoint != "reinforce"]
        _, page = written(made(tmp_path / "run", rows))
        assert "The cold start" in page.text
        assert "Reinforcement learning raised" not in page.text

    def test_the_untouched_model_only(self, tmp_path: Path):
        rows = [row for row in whole_run(problems=6) if row.cell.checkpoint == "untouched"]
        _, page = written(made(tmp_path / "run", rows))
        assert "No training can be compared yet" in page.text
        assert "What the gain is made of" not in page.text

    def test_not_judged_is_said(self, tmp_path: Path):
        _, page = written(made(tmp_path / "run", [rollout("after", "0", None)]))
        assert "not judged" in page.text
        assert "timeout" in page.text

    def test_a_damaged_file_is_named(self, tmp_path: Path):
        folder = made(tmp_path / "run", [rollout("after", "0", 1.0)])
        (folder / "measured" / "torn.parquet").write_bytes(b"PAR1 torn")
        assert "torn.parquet: left out" in written(folder)[1].text

    def test_no_run_is_the_users_mistake(self, tmp_path: Path):
        with pytest.raises(PonderError, match="no such run"):
            write_report(tmp_path / "nowhere")


def attacked(problem: str, clean: float, hit: float) -> list[Rollout]:
    """A problem as it is, and under an attack whose name is hostile."""
    one, other = rollout("after", problem, clean), rollout("after", problem, hit)
    return [one, replace(other, cell=replace(other.cell, attack="<b>leet", strength=0.5))]


def test_the_surface_and_the_costs_are_there_with_the_command_that_shows_their_rollouts(tmp_path: Path):
    rows = [each for k in range(5) for each in attacked(str(k), 1.0, float(k > 0))]
    run = made(tmp_path / "a run", rows)
    connection, _ = connect(run)
    with connection:
        write_result(run, bill.numbers(connection, price=(1e6, 2e6)))
    page = Page(write_report(run).read_text())
    assert "What attacks come to" in page.text and "who learns, 1 try" in page.text
    assert "<b>leet 0.5" in page.text and "b" not in {tag for tag, attrs in page.tags if "leet" in str(attrs)}
    assert "202 to 78" in page.text  # one of five
    assert "money for a right answer" in page.text and "seconds for a right answer" not in page.text
    assert f"ponder show '{run}' --at 'attack=<b>leet'" in page.text


def test_without_attacks_and_costs_neither_is_there(tmp_path: Path):
    page = Page(write_report(made(tmp_path, [rollout("after", "1", 1.0)])).read_text())
    assert "What attacks come to" not in page.text and "What a right answer costs" not in page.text
