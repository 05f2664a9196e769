"""`ponder ask`: with the shipped model, an endpoint by script, and what a user gets wrong."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.live import Live
from typer.testing import CliRunner

from cli.command import mistake, ponder
from engine.endpoint import Asked, Endpoint, Sent, by_piece, question, refusal, said
from ponder.cli.ask import Stream, ask
from ponder.cli.main import app
from ponder.model.chat import Chat

EASY = "Start with 0. 1: Multiply by 7. Keep only the last digit each time. What is left?"
FIVE = (
    "Cups in a row: C A E B D. 1: swap 1 and 3. 2: swap 1 and 2. 3: swap 4 and 5. 4: swap 2 and 3. 5: swap 1 and 5. "
    "How is the row now?"
)
KEYS = {"model", "question", "answer", "thinking", "why", "error", "samples", "votes", "tokens", "seconds"} | {
    "verifier",
    "spec",
    "seed",
}


def asked(*words: str | Path) -> dict[str, Any]:
    """The object that `--json` prints."""
    result = ponder("ask", *words, "--json")
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def test_a_question_that_is_easy_is_answered_in_six_samples():
    found = asked("lab-seed", EASY, "--think")
    assert set(found) == KEYS
    assert (found["answer"], found["why"], found["samples"]) == ("0", "agreed", 6)
    assert found["votes"] == {"0": 6}
    tokens = found["tokens"]
    assert tokens["total"] == tokens["thinking"] + tokens["answer"] > 0 == tokens["verifier"]


def test_a_harder_one_takes_more_and_the_same_each_time():
    one, other = (asked("lab-seed", FIVE) for _ in range(2))
    assert one["samples"] > 6 and one["answer"] == "B C E D A"
    assert {key: one[key] for key in KEYS - {"seconds"}} == {key: other[key] for key in KEYS - {"seconds"}}
    assert asked("lab-seed", FIVE, "--seed", "1")["votes"] != one["votes"]


def test_it_thinks_within_its_budget():
    found = asked("lab-seed", FIVE, "--think", "--budget", "80")
    assert (found["answer"], found["why"]) == ("B C E D A", "agreed")
    assert "swap" in found["thinking"] and 0 < found["tokens"]["thinking"] <= 80 * found["samples"]
    assert asked("lab-seed", FIVE, "--think", "--budget", "5", "--samples", "4")["tokens"]["thinking"] <= 20


def test_people_read_the_answer_the_votes_and_what_was_spent():
    told = ponder("ask", "lab-seed", FIVE, "--think").stdout
    assert "\nB C E D A\n" in told and "agreed: of " in told and "spent: " in told
    assert "thought (" in told and "swap 1 and 3" not in told
    assert "swap 1 and 3" in ponder("ask", "lab-seed", FIVE, "--think", "--thinking").stdout


def test_a_question_from_standard_input():
    result = CliRunner().invoke(app, ["ask", "lab-seed", "-", "--json"], input=EASY)
    assert json.loads(result.stdout)["question"] == EASY


def test_a_bound_on_all_that_is_written():
    found = asked("lab-seed", FIVE, "--budget", "20", "--spend", "600")
    assert found["why"] == "budget spent" and found["tokens"]["total"] <= 600


def test_an_answer_is_checked_against_a_spec(tmp_path: Path):
    """The model of the lab is no judge of specs: whatever it says is told, and refuses or not by its own verdict."""
    spec = tmp_path / "row.md"
    spec.write_text("# Row\n\n## row.digit (must) One digit\n\nThe answer is a digit.\n")
    found = asked("lab-seed", EASY, "--spec", spec, "--set", "verify=true", "--samples", "6")
    assert found["spec"]["name"] == str(spec) and found["spec"]["status"] == "judged"
    assert found["spec"]["kept"] == (found["spec"]["value"] >= 0.5)
    assert found["verifier"]["status"] == "judged" and found["tokens"]["verifier"] > 0


def test_an_answer_that_nobody_can_trust_is_status_1(tiny: Path):
    result = ponder("ask", tiny, "?", "--samples", "3", "--set", "longest=4", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["answer"], found["why"]) == (1, None, "most samples")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none", "?"], "model = 'none': no such folder, and not a name ponder knows"),
        (["lab-seed", "  "], "question: is empty; ask something, or give - to read it from standard input"),
        (["lab-seed", "?", "--error", "0"], "error = 0: must lie between 0 and 0.5"),
        (["lab-seed", "?", "--error", "0.5"], "error = 0.5: must lie between 0 and 0.5"),
        (["lab-seed", "?", "--budget", "0"], "ask: budget = 0: input should be greater than or equal to 1"),
        (["lab-seed", "?", "--budget", "5000"], "it is above the model's context of 2048 tokens; give at most 20"),
        (["lab-seed", "?", "--budget", "50", "--spend", "40"], "spend = 40: below what a question needs: one sample"),
        (["lab-seed", "? " * 2100], "the model's context is 2048 tokens; shorten it"),
        (["lab-seed", "?", "--samples", "0"], "ask: samples = 0: input should be greater than or equal to 1"),
        (["lab-seed", "?", "--spec", "none.md"], "none.md: no such file"),
        (["lab-seed", "?", "--set", "temperature=0"], "temperature = 0: all samples would be the same"),
        (["lab-seed", "?", "--set", "kin=number"], "ask: kin: unknown key; did you mean 'kind'?"),
        (["lab-seed", "?", "--set", "model=qwen"], "model, key: of an endpoint; 'lab-seed' is none"),
        (["http://127.0.0.1:9/v1", "?"], "model: an endpoint serves models by name; give the one that it knows"),
        (["http://127.0.0.1:9/v1", "?", "--set", "model=x"], "http://127.0.0.1:9/v1: connection refused; start the"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(words: list[str], said: str):
    assert said in mistake("ask", *words)


def seven(asked: Asked) -> Sent:
    """Nine tokens, thinking apart, of which the server does not say how many it is."""
    return (
        said("7", tokens=(5, 9), reasoning_content=f"{question(asked)}: so 7") if "?" in question(asked) else said("")
    )


def test_an_endpoint_is_asked_for_as_many_as_agreement_takes():
    with Endpoint(seven) as endpoint:
        found = asked(endpoint.url, "3+4?", "--set", "model=qwen", "--budget", "100")
    assert (found["answer"], found["why"], found["samples"], found["thinking"]) == ("7", "agreed", 6, "3+4?: so 7")
    assert found["tokens"] == {"total": 54, "thinking": None, "answer": None, "verifier": 0}
    sent = [each for each in endpoint.asked if "?" in question(each)]
    assert {each["max_tokens"] for each in sent} == {356} and len({each["seed"] for each in sent}) == 6


def test_an_endpoints_answer_that_was_cut_is_no_vote():
    with Endpoint(lambda asked: said("7", tokens=(5, asked["max_tokens"]))) as endpoint:
        found = asked(endpoint.url, "3+4?", "--set", "model=qwen", "--samples", "3", "--budget", "9")
    assert (found["answer"], found["why"], found["votes"]) == (None, "most samples", {})


def test_an_endpoint_that_stops_answering_is_one_line():
    with Endpoint(lambda asked: said("hi") if asked["#"] == 0 else refusal(400, "no more")) as endpoint:
        assert mistake("ask", endpoint.url, "3+4?", "--set", "model=qwen") == f"{endpoint.url}: HTTP 400: no more"


def test_on_a_terminal_an_endpoints_words_are_seen_as_they_come(monkeypatch: pytest.MonkeyPatch):
    console = Console(file=(seen := StringIO()), force_terminal=True, width=70)
    monkeypatch.setattr("ponder.cli.ask.people", lambda as_json: console)
    monkeypatch.setattr("ponder.cli.ask.PER_SECOND", 1e9)
    with Endpoint(lambda asked: by_piece(seven(asked)) if asked["stream"] else seven(asked)) as endpoint:
        assert ask(endpoint.url, "3+4?", {"model": "qwen"}, [], whole=False, as_json=False) == 0
    assert " at once, " in seen.getvalue() and "pieces: …3+4?: so 7" in seen.getvalue()
    assert "agreed: of 6 samples 6 for 7" in seen.getvalue()


def test_what_is_written_is_one_line_that_cannot_steer_a_terminal(tiny: Path):
    console = Console(file=StringIO(), force_terminal=True, width=60)
    chat = Chat.load(tiny)
    ids = tuple(chat.tokenizer("3+4\n\x1b[2J is 7", add_special_tokens=False)["input_ids"])
    with Live(console=console, auto_refresh=False) as live:
        folded, whole = (
            Stream(live, chat.text, whole=each).line({(0, 0): ids, (0, 1): ids[:2]}) for each in (False, True)
        )
    assert folded == f"2 at once, {len(ids) + 2} tokens: …3+4 ⟨U+001B⟩[2J is 7"
    assert whole == f"2 at once, {len(ids) + 2} tokens\n3+4\n⟨U+001B⟩[2J is 7"
