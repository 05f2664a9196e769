from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes import Numbered, ask
from ponder.domains import build as build_domain
from ponder.domains.file import File
from ponder.domains.splits import split_of
from ponder.measure.suite import Suite
from ponder.recipes import build
from ponder.recipes.load import load_recipe, parse
from ponder.recipes.rehearse import Need, check_no_repeats, overlaps, rehearse, trained
from ponder.recipes.schema import Recipe
from ponder.recipes.train import train
from ponder.stages.mixture import Mixture
from ponder.types import PonderError
from recipes.small import write_small

Sections = Mapping[str, Mapping[str, Any]]


def file_of(path: Path, questions: list[str]) -> str:
    path.write_text("".join(json.dumps({"question": question, "answer": "1"}) + "\n" for question in questions))
    return str(path)


def prepare(
    folder: Path, *, measured: Sections, trained: Sections, **stages: Mapping[str, Any]
) -> tuple[Recipe, Suite]:
    """A recipe whose suite measures these domains, and which may train on those besides."""
    lines = [f"{name} = {_inline(options)}" for name, options in measured.items()]
    suite = folder / "few.toml"
    suite.write_text("\n".join(["name = 'few'", "problems = 3", "max_tokens = 4", "shots = 2", "[domains]", *lines]))
    values = {"name": "r", "model": {"name": "none"}, "domains": trained, "measure": {"suite": str(suite)}, **stages}
    recipe = parse(Recipe, values, where="r")
    assert recipe.measure
    return recipe, build.build_suite(recipe.measure, recipe)


def go(folder: Path, **sections: Mapping[str, Any]) -> None:
    recipe, suite = prepare(folder, **sections)
    rehearse(recipe, build.training_domains(recipe), suite)


def _inline(options: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in options.items()) + "}"


def said(folder: Path, **sections: Mapping[str, Any]) -> str:
    with pytest.raises(PonderError) as raised:
        go(folder, **sections)
    return str(raised.value)


def cold(steps: int = 2, **weights: float) -> dict[str, Any]:
    return {"domains": weights, "steps": steps, "batch": 4, "worked": 0.0}


def rl(**weights: float) -> dict[str, Any]:
    return {"domains": weights, "steps": 3, "problems": 4, "max_tokens": 4}


def test_overlaps_pair_each_content_once_in_the_order_measured():
    seen = [ask("2 + 2?", index=0), ask("1 + 1?", index=1), ask("2  +\n2?", index=2), ask("x", index=3)]
    asked = [ask(q, domain="other", index=i, split="test") for i, q in enumerate(["1 + 1?", "3?", "2 + 2? ", "2 + 2?"])]
    assert overlaps(seen, asked) == [(seen[1], asked[0]), (seen[0], asked[2])]
    assert overlaps(seen, []) == overlaps([], asked) == []


def test_case_and_punctuation_make_another_content():
    assert overlaps([ask("What is it")], [ask("what is it"), ask("What is it?")]) == []


def test_files_that_share_rows_are_refused_with_the_first_few(tmp_path: Path):
    rows = [f"What is {k} + 1?" for k in range(200)]
    whole = {"use": "file", "path": file_of(tmp_path / "whole.jsonl", rows)}
    held = File("whole", path=tmp_path / "whole.jsonl").problems("test", seed=0, n=5)
    leak = [*(p.question for p in held), "Another?"]
    mine = {"use": "file", "path": file_of(tmp_path / "mine.jsonl", leak), "split": "train"}
    line = said(tmp_path, measured={"whole": whole}, trained={"mine": mine}, cold_start=cold(mine=1))
    start, rest = line.split(": ", 1)
    assert start == "measure.suite = 'few'"
    assert rest.startswith("training sees 5 of what it measures: 'What is ")
    assert rest.count("(mine/train, whole/test)") == 3
    assert rest.endswith(", and 2 more; take them out of one of the two")
    assert "\n" not in line


def test_validation_rows_count_as_measured(tmp_path: Path):
    rows = [f"What is {k} + 1?" for k in range(200)]
    whole = {"use": "file", "path": file_of(tmp_path / "whole.jsonl", rows)}
    (held,) = File("whole", path=tmp_path / "whole.jsonl").problems("validation", seed=0, n=1)
    mine = {"use": "file", "path": file_of(tmp_path / "mine.jsonl", [held.question]), "split": "train"}
    line = said(tmp_path, measured={"whole": whole}, trained={"mine": mine}, cold_start=cold(mine=1))
    assert line == (
        f"measure.suite = 'few': training sees 1 of what it measures: {held.question!r} (mine/train, whole/validation)"
        "; take them out of one of the two"
    )


def test_a_file_in_training_may_not_hold_what_a_generated_domain_is_asked(tmp_path: Path):
    measured = build_domain("coin", "coin", {}).problems("test", seed=0, n=3)
    mine = {"use": "file", "path": file_of(tmp_path / "f.jsonl", [measured[2].question, "else"]), "split": "train"}
    line = said(tmp_path, measured={"coin": {"use": "coin"}}, trained={"mine": mine}, cold_start=cold(mine=1))
    assert "training sees 1 of what it measures" in line and "(mine/train, coin/test)" in line


def test_a_file_that_is_measured_may_not_hold_what_a_generated_domain_trains_on(tmp_path: Path):
    seed = build.stage_seed(parse(Recipe, {"name": "r", "model": {"name": "none"}}, where="r"), "cold_start")
    last = build_domain("coin", "coin", {}).problems("train", seed=seed, n=1, start=7)[0].question
    held = next(k for k in range(50) if split_of(f"p/{k}") == "test")
    rows = [last if k == held else f"filler {k}" for k in range(50)]
    paired = {"use": "file", "path": file_of(tmp_path / "f.jsonl", rows), "pair": "p"}
    sections = {"measured": {"paired": paired, "coin": {"use": "coin"}}, "trained": {}}
    assert "(coin/train, paired/test)" in said(tmp_path, **sections, cold_start=cold(steps=2, coin=1))
    go(tmp_path, **sections, cold_start=cold(steps=1, coin=1))


def test_solved_examples_count_as_trained_on(tmp_path: Path):
    _, suite = prepare(tmp_path, measured={"coin": {"use": "coin"}}, trained={})
    domains = {"a": Numbered(name="a"), "none": Numbered(name="none", count=0)}
    assert [p.question for p in trained([], replace(suite, domains=domains))] == ["a train 0?", "a train 1?"]


def test_what_is_apart_passes(tmp_path: Path):
    rows = [f"What is {k} + 1?" for k in range(300)]
    whole = {"use": "file", "path": file_of(tmp_path / "whole.jsonl", rows)}
    both = {"measured": {"whole": whole, "coin": {"use": "coin"}}, "trained": {}}
    go(tmp_path, **both, cold_start=cold(whole=1, coin=1), rl=rl(whole=2, coin=1))


def test_a_domain_with_nothing_to_train_on_is_refused(tmp_path: Path):
    empty = {"use": "file", "path": file_of(tmp_path / "f.jsonl", ["a", "b"]), "split": "test"}
    line = said(tmp_path, measured={"coin": {"use": "coin"}}, trained={"f": empty}, rl=rl(f=1))
    assert line == "domains.f: has no problems in its train split; leave it out of training"


def test_training_may_go_through_a_file_many_times(tmp_path: Path):
    small = {"use": "file", "path": file_of(tmp_path / "f.jsonl", [f"{k}?" for k in range(8)]), "split": "train"}
    coin = {"coin": {"use": "coin"}}
    go(tmp_path, measured=coin, trained={"f": small}, cold_start=cold(steps=50, f=1), rl=rl(f=1))


@pytest.mark.parametrize(("count", "problems", "weight", "asked"), [(8, 6, 1, 6), (4, 8, 1, 4), (1, 4, 1, 2)])
def test_a_step_may_not_ask_a_problem_twice(count: int, problems: int, weight: float, asked: int):
    domains = {"few": Numbered(name="few", count=count), "many": Numbered(name="many")}
    weights = {"few": weight} if problems == 6 else {"few": weight, "many": 1}
    with pytest.raises(PonderError) as raised:
        check_no_repeats(Need(mixture=Mixture(domains, weights, seed=0), steps=3, problems=problems))
    assert str(raised.value) == (
        f"rl.problems = {problems}: a step may ask domain 'few' for {asked} of its {count} training problems and meet "
        f"one twice; ask for fewer, so that it is at most {count // 2 + 1} of them"
    )


def test_half_of_a_domain_in_a_step_is_fine():
    domains: dict[str, Any] = {"few": Numbered(name="few", count=8)}
    check_no_repeats(Need(mixture=Mixture(domains, {"few": 1}, seed=0), steps=100, problems=5))


def test_nothing_is_written_where_training_sees_what_is_measured(tiny: Path, tmp_path: Path):
    path = write_small(tmp_path / "made", tiny, cold=1, rl=1)
    letters = path.with_name("letters.jsonl")
    with path.open("a") as recipe:
        recipe.write(f'[domains.again]\nuse = "file"\npath = {json.dumps(str(letters))}\nsplit = "train"\n')
    held = sum(File("letters", path=letters).size(split) for split in ("validation", "test"))
    with pytest.raises(PonderError, match=f"measure.suite = 'few': training sees {held} of what it measures"):
        train(load_recipe(path, ["rl.domains={ again = 1 }"]), tmp_path / "run")
    assert not (tmp_path / "run").exists()
