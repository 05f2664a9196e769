"""The pages over HTTP: what they show, where their links lead, and that hostile texts stay texts."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ponder.runs.folder import Run
from ponder.runs.table import write_rollouts
from ponder.viewer.server import Server
from tiny import make_tokenizer
from viewer.made import HOSTILE, Page, fetch, rollout, served, write, write_hostile, write_step


class Read(HTMLParser):
    """Every tag with its attributes, the text, and whether tags close in order."""

    VOID = frozenset({"meta", "link", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with served(folder) as server:
        yield server


def at(server: Server, address: str) -> Page:
    """The page at an address of one of its links."""
    return fetch(f"http://127.0.0.1:{server.server_port}{address}")


def words(page: Page) -> str:
    return " ".join(Read(page.text).text.split())


class TestList:
    def test_what_the_run_is_and_its_rollouts(self, server: Server):
        page = fetch(server.address)
        assert page.status == 200
        for told in ("30 rollouts", "made", "tiny", "3 steps of reinforcement learning", "18 paid at least ½",
                     "9 paid less", "3 not judged", "12 paid, but wrong by gold"):  # fmt: skip
            assert told in words(page)
        assert len(page.links("/rollout/")) == 30
        assert Read(page.text).open == []

    def test_every_filter_is_a_control_with_a_label(self, server: Server):
        tags = Read(fetch(server.address).text).tags
        controls = [a["id"] for tag, a in tags if tag in ("input", "select") and a.get("type") != "hidden"]
        assert controls == [
            "text", "sort", "kind", "checkpoint", "domain", "tier", "language", "attack", "reward", "gold",
            "outcome", "fault", "step", "thinking", "length",
        ]  # fmt: skip
        assert [a["for"] for tag, a in tags if tag == "label"] == controls

    def test_filters_stand_in_the_address_and_can_be_taken_away(self, server: Server):
        page = fetch(f"{server.address}?gold=fooled&step=1-2")
        assert "8 rollouts" in words(page)
        without = next(link for link in page.links("step=1-2") if "gold" not in link and "rollout/" not in link)
        assert "16 rollouts" in words(at(server, without))

    def test_what_cannot_be_read_is_said(self, server: Server):
        page = fetch(f"{server.address}?step=soon&gold=fooled")
        assert "step = soon: a number, or two such as 10-20" in words(page)
        assert "12 rollouts" in words(page)

    def test_nothing_is_like_that(self, server: Server):
        assert "No rollout is like that." in words(fetch(f"{server.address}?domain=nowhere"))
        assert "There are fewer pages." in words(fetch(f"{server.address}?page=99"))

    def test_pages(self, tmp_path: Path):
        with served(write(tmp_path / "run", steps=3, group=40)) as server:
            first = fetch(f"{server.address}?kind=training")
            assert "page 1 of 5, latest weights first" in words(first)
            onward = next(link for link in first.links("page=2") if "/rollout/" not in link)
            second = at(server, onward)
            assert len(second.links("/rollout/")) == 50
            assert not set(first.links("/rollout/")) & {
                link.replace("&page=2", "") for link in second.links("/rollout/")
            }

    def test_pulse_tells_of_new_rollouts(self, tmp_path: Path):
        folder = write(tmp_path / "run", steps=1)
        with served(folder) as server:
            told = json.loads(fetch(f"{server.address}pulse").text)
            assert told == {"count": 14, "reading": False, "status": "done"}
            write_step(Run.open(folder), 1)
            server.site.index.refresh()
            assert json.loads(fetch(f"{server.address}pulse").text)["count"] == 22
            assert "22 rollouts" in words(fetch(server.address))


class TestRollout:
    def first(self, server: Server, query: str) -> Page:
        return at(server, fetch(f"{server.address}{query}").links("/rollout/")[0])

    def test_all_of_it(self, server: Server):
        page = self.first(server, "?step=2&gold=fooled")
        told = words(page)
        for each in ("What is 3 + 4?", "1 turns before", "Think.", "3 and 4 are seven, step 2.", "judge", "pay",
                     "rule §1: fine", "§1", "0.50", "number", "gold", "Right would be: 7", "sums/train/0/2",
                     "Its group 4 rollouts of this problem, paid 1.00 on average", "1 of 4 that match"):  # fmt: skip
            assert each in told, each
        assert Read(page.text).open == []

    def test_previous_and_next_stay_in_the_list(self, server: Server):
        page = self.first(server, "?step=2&gold=fooled")
        seen = []
        while onward := re.search(r'href="([^"]*)" data-key="ArrowRight j"', page.text):
            seen.append(html.unescape(onward[1]))
            page = at(server, seen[-1])
        assert len(seen) == 3
        assert all("step=2" in link and "gold=fooled" in link for link in seen)
        assert "4 of 4 that match" in words(page)

    def test_the_same_problem_elsewhere(self, server: Server):
        told = words(self.first(server, "?checkpoint=after&attack=none&language=en"))
        for heading in ("At other steps and checkpoints", "In another language", "Under attack noise at 0.5"):
            assert heading.partition(" noise")[0] in told
        assert "noise at 0.5" in told

    def test_thinking_is_folded_unless_the_address_says_otherwise(self, server: Server):
        link = fetch(f"{server.address}?step=2").links("/rollout/")[0]
        assert '<details class="thoughts">' in at(server, link).text
        assert '<details class="thoughts" open>' in at(server, link + "&think=1").text

    def test_colours_need_the_tokenizer_of_a_checkpoint(self, folder: Path, server: Server):
        link = fetch(f"{server.address}?step=2").links("/rollout/")[0] + "&colour=1"
        assert "Tokens cannot be coloured: no checkpoint of this run has a tokenizer.json" in words(at(server, link))
        made = folder / "checkpoints" / "000003"
        make_tokenizer().save_pretrained(made)
        (folder / "checkpoints" / "000009").mkdir()
        (folder / "checkpoints" / "000009" / "tokenizer.json").write_text('{"version": "1.0", "trunc')
        page = at(server, link)
        found = re.findall(r'<span class="(p\d)" title="([^"]*)">', page.text)
        assert found == [("p0", "99%"), ("p2", "37%"), ("p3", "5.0%")]
        assert Read(page.text).open == []

    @pytest.mark.parametrize(
        "address",
        ["rollout/training/nothing/0", "rollout/training/reinforce-000000/999", "rollout/other/after/0", "elsewhere",
         "rollout/training/reinforce-000000/-1", "rollout/measured/after", "viewer.js/x"],
    )  # fmt: skip
    def test_what_is_not_there(self, server: Server, address: str):
        page = fetch(server.address + address)
        assert page.status == 404
        assert "There is no such" in words(page)

    def test_a_file_that_is_gone(self, tmp_path: Path):
        folder = write(tmp_path / "run", steps=1)
        with served(folder) as server:
            link = fetch(f"{server.address}?kind=measured").links("/rollout/")[0]
            (folder / "measured" / "after.parquet").write_bytes(b"PAR1")
            page = at(server, link)
            assert page.status == 404
            assert "cannot be read" in words(page) or "There is no such rollout" in words(page)


class TestLong:
    def test_a_long_text_is_clipped_and_shown_whole_when_asked(self, tmp_path: Path):
        with Run.create(tmp_path / "run", {"recipe": {}}) as run:
            write_rollouts(run.measured_file("after"), [rollout(text="y" * 50_000)], run=run.name)
        with served(tmp_path / "run") as server:
            page = at(server, fetch(server.address).links("/rollout/")[0])
            assert "y" * 8_001 not in page.text
            assert "show all 50,000 characters" in page.text
            whole = at(server, page.links("whole=1")[0])
            assert "y" * 50_000 in whole.text


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Page]]:
    """The list of a hostile run, every rollout of it, plain and whole and by tokens, and every filter by its texts."""
    folder = write_hostile(tmp_path_factory.mktemp("runs") / "<script>x<&>"[:7])
    make_tokenizer().save_pretrained(folder / "checkpoints" / "000001")
    with served(folder) as server:
        first = fetch(server.address)
        links = first.links("/rollout/")
        assert len(links) == len(HOSTILE)
        pages = [first, *(at(server, link) for link in links)]
        pages += [at(server, link + "?whole=1&think=1") for link in links[:6]]
        pages += [at(server, link + "?colour=1") for link in links[:6]]
        pages += [at(server, link) for page in pages[1:4] for link in page.links("?")[:3]]
        quoted = "%3Cscript%3E'\"%00%E2%80%AE"
        pages += [
            fetch(f"{server.address}?{name}={quoted}") for name in ("text", "domain", "step", "problem", "nobody")
        ]
        yield pages


class TestHostile:
    def test_no_markup_comes_through(self, evil: list[Page]):
        for page in evil:
            assert page.status == 200
            read = Read(page.text)
            names = [tag for tag, _ in read.tags]
            assert not {"style", "img", "iframe", "base", "object", "svg", "article"} & set(names)
            assert names.count("script") == names.count("title") == 1
            assert names.count("link") == 2
            assert names.count("meta") == 3
            assert read.open == []

    def test_no_attribute_does_anything(self, evil: list[Page]):
        for page in evil:
            for tag, attributes in Read(page.text).tags:
                assert not [name for name in attributes if name.startswith(("on", "style", "srcdoc", "formaction"))]
                for name in ("href", "src", "action"):
                    address = attributes.get(name)
                    assert address is None or address == "" or address.startswith(("/", "#")), (tag, address)
                    assert not (address or "").startswith("//")

    def test_what_cannot_be_seen_is_made_visible(self, evil: list[Page]):
        shown = "".join(page.text for page in evil)
        assert "⟨U+0000⟩⟨U+001B⟩[2J⟨U+202E⟩gnp.exe⟨U+2066⟩" in shown
        assert not {"\x00", "\x1b", "\u202e", "\u2066"} & set(shown)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown

    def test_a_megabyte_is_clipped(self, evil: list[Page]):
        assert len(evil[0].text) < 100_000
        assert max(len(page.text) for page in evil[1 : len(HOSTILE) + 1]) < 100_000
