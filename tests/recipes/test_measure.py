from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from ponder.engine.scorer import LocalScorer
from ponder.model.checkpoint import load_decoder
from ponder.recipes.load import load_recipe
from ponder.recipes.measure import default_out, find_subject, measure
from ponder.recipes.schema import MeasureConfig
from ponder.recipes.train import train
from ponder.runs.folder import Run
from ponder.runs.table import read_rollouts
from ponder.types import Branch, Lesson, PonderError
from recipes.small import write_small


@pytest.fixture(scope="module")
def trained(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with both stages, beside the recipe and the suite it was made with."""
    folder = tmp_path_factory.mktemp("measure")
    return train(load_recipe(write_small(folder, tiny, cold=4, rl=4)), folder / "run")


def few(run: Path, *, problems: int | None = None, samples: int | None = None, untouched: bool = True) -> MeasureConfig:
    suite = str(run.parent / "few.toml")
    return MeasureConfig(suite=suite, problems=problems, samples=samples, untouched=untouched)


def columns(path: Path) -> dict[str, list[object]]:
    """What one file of measured rollouts holds, its run's name aside."""
    return pq.read_table(path).drop_columns(["run"]).to_pydict()


def test_a_run_measured_again_gives_what_it_measured_itself(trained: Path, tmp_path: Path) -> None:
    again = measure(find_subject(str(trained)), few(trained), tmp_path / "again")
    names = sorted(path.name for path in (trained / "measured").iterdir())
    assert names == [f"{name}.parquet" for name in ("after", "before", "fewshot", "forced", "untouched")]
    for name in names:
        assert columns(again / "measured" / name) == columns(trained / "measured" / name)
    ours, theirs = (
        {name: (n.value, n.low, n.high, n.n) for name, n in Run.open(run).result().items() if "cost" not in name}
        for run in (trained, again)
    )
    assert ours == theirs
    assert not (again / "checkpoints").exists()


def test_the_checkpoints_are_those_after_each_stage(trained: Path) -> None:
    subject = find_subject(str(trained))
    assert {name: weights.version for name, weights in subject.weights.items()} == {
        "untouched": 0,
        "cold_start": 4,
        "reinforce": 8,
    }
    assert subject.weights["cold_start"].folder == trained / "checkpoints" / "000004"
    assert default_out(subject, "transfer") == Path("runs/run-transfer")


def test_tiers_come_from_the_recipe_of_the_run(trained: Path, tmp_path: Path) -> None:
    asked = measure(find_subject(str(trained)), few(trained, problems=2, samples=3), tmp_path / "tiers")
    found = columns(asked / "measured" / "after.parquet")
    tiers = dict(zip(found["domain"], found["tier"], strict=True))
    assert tiers == {"letters": "trained", "coin": "unseen", "where": "unseen"}
    assert len(found["domain"]) == 3 * 2 * 3


def test_a_suite_that_is_alone_leaves_the_recipes_own_domains_out(trained: Path, tmp_path: Path) -> None:
    suite = tmp_path / "alone.toml"
    suite.write_text('name = "alone"\nalone = true\nproblems = 2\nmax_tokens = 4\n[domains.coin]\nuse = "coin"\n')
    asked = measure(
        find_subject(str(trained)), MeasureConfig(suite=str(suite), problems=None, samples=None), tmp_path / "asked"
    )
    assert set(columns(asked / "measured" / "after.parquet")["domain"]) == {"coin"}


def test_a_model_is_measured_untouched_and_with_examples(tiny: Path, trained: Path, tmp_path: Path) -> None:
    run = measure(find_subject(str(tiny)), few(trained), tmp_path / "model")
    assert sorted(path.stem for path in (run / "measured").iterdir()) == ["fewshot", "untouched"]
    assert set(columns(run / "measured" / "untouched.parquet")["tier"]) == {"unseen"}


def test_measuring_can_be_resumed(tiny: Path, trained: Path, tmp_path: Path) -> None:
    subject, out = find_subject(str(tiny)), tmp_path / "resumed"
    measure(subject, few(trained), out)
    kept = (out / "measured" / "untouched.parquet").stat().st_mtime_ns
    (out / "measured" / "fewshot.parquet").unlink()
    with pytest.raises(PonderError, match="--resume"):
        measure(subject, few(trained), out)
    measure(subject, few(trained), out, resume=True)
    assert (out / "measured" / "fewshot.parquet").exists()
    assert (out / "measured" / "untouched.parquet").stat().st_mtime_ns == kept


def test_another_checkpoint_is_another_measurement(trained: Path, tmp_path: Path) -> None:
    """A measurement is not resumed after the run has gone on."""
    subject, out = find_subject(str(trained)), tmp_path / "run"
    measure(subject, few(trained, problems=2), out)
    weights = dict(subject.weights) | {"reinforce": subject.weights["cold_start"]}
    moved = type(subject)(name=subject.name, recipe=subject.recipe, weights=weights)
    with pytest.raises(PonderError, match=r"data\.checkpoints/reinforce"):
        measure(moved, few(trained, problems=2), out, resume=True)


def test_what_cannot_be_measured_is_refused(trained: Path, tmp_path: Path) -> None:
    with Run.create(tmp_path / "bare", {"recipe": None}):
        pass
    with pytest.raises(PonderError, match="tells no recipe"):
        find_subject(str(tmp_path / "bare"))
    with Run.create(tmp_path / "new", {"recipe": Run.open(trained).manifest["recipe"]}):
        pass
    with pytest.raises(PonderError, match="no checkpoint to measure"):
        find_subject(str(tmp_path / "new"))
    with pytest.raises(PonderError, match="no such folder, and not a name ponder knows"):
        measure(find_subject(str(tmp_path / "none")), few(trained), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_a_cold_start_reinforcement_is_set_against_the_model_it_began_with(tiny: Path, tmp_path: Path) -> None:
    path = write_small(tmp_path, tiny, rl=2)
    text = path.read_text()
    first, last = text.index("[cold_start]"), text.index("[rl]")
    path.write_text(text[:first] + text[last:])
    run = train(load_recipe(path), tmp_path / "run")
    names = ["after", "before", "fewshot", "forced", "untouched"]
    assert sorted(file.stem for file in (run / "measured").iterdir()) == names
    before = columns(run / "measured" / "before.parquet")
    assert set(before["policy_version"]) == {0} and set(before["temperature"]) == {1.0}
    assert "transfer.trained.gain" in Run.open(run).result()
    again = measure(find_subject(str(run)), few(run), tmp_path / "again")
    for name in names:
        assert columns(again / "measured" / f"{name}.parquet") == columns(run / "measured" / f"{name}.parquet")


def with_moved(folder: Path, change: str = "") -> None:
    path = folder / "few.toml"
    path.write_text(path.read_text().replace("shots = 2\n", f"shots = 2\nmoved = true\n{change}"))


def test_how_far_it_moved_is_measured_from_the_model_that_the_run_began_with(
    trained: Path, tiny: Path, tmp_path: Path
) -> None:
    suite = tmp_path / "few.toml"
    suite.write_text((trained.parent / "few.toml").read_text())
    with_moved(tmp_path, "temperature = 0.8\n")
    run = measure(find_subject(str(trained)), few(tmp_path / "run"), tmp_path / "run")
    found = {path.stem: read_rollouts(path) for path in (run / "measured").iterdir()}
    assert {name for name, each in found.items() if each[0].verdicts[-1].verifier == "moved"} == {"before", "after"}
    scorer = LocalScorer(load_decoder(tiny, dtype=torch.float32))
    for rollout in found["after"]:
        said, last = rollout.completion, rollout.verdicts[-1]
        lesson = Lesson(prompt=said.prompt, branches=(Branch(tokens=said.tokens, weight=0.0),))
        ((logprobs,),) = scorer.logprobs([lesson], temperature=0.8)
        assert last.parts["log_ratio"] == pytest.approx(sum(said.logprobs) - sum(logprobs), abs=1e-3)
    told = Run.open(run).result()
    assert all((told[f"moved.{label}.letters.completion"].value or 0) > 1 for label in ("before", "after"))


def test_a_model_has_not_moved_from_itself(tiny: Path, tmp_path: Path) -> None:
    path = write_small(tmp_path, tiny, rl=1)
    with_moved(tmp_path)
    text = path.read_text()
    path.write_text(text[: text.index("[cold_start]")] + text[text.index("[rl]") :])
    run = train(load_recipe(path, ["measure.untouched=false"]), tmp_path / "run")
    told = Run.open(run).result()
    assert told["moved.before.coin.completion"].value == pytest.approx(0, abs=1e-4)
    values = [rollout.verdicts[-1].value for rollout in read_rollouts(run / "measured" / "before.parquet")]
    assert values == pytest.approx([1.0] * 12, abs=1e-5)


def test_a_divergence_that_cannot_be_told_is_refused(trained: Path, tiny: Path, tmp_path: Path) -> None:
    write_small(tmp_path, tiny)
    with_moved(tmp_path, "temperature = 0.0\n")
    suite = str(tmp_path / "few.toml")
    line = rf"^{suite}: moved = True: completions must be drawn to tell a divergence; give a temperature above 0$"
    with pytest.raises(PonderError, match=line):
        measure(find_subject(str(trained)), few(tmp_path / "run"), tmp_path / "out")
    write_small(tmp_path, tiny)
    with_moved(tmp_path)
    fresh = load_recipe(tmp_path / "small.toml", ["model.fresh={}"])
    with pytest.raises(
        PonderError, match=r"few\.toml: moved: of a model that began untrained there is nothing to know"
    ):
        train(fresh, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_right_answer_has_a_price_where_the_suite_tells_the_models(trained: Path, tiny: Path, tmp_path: Path) -> None:
    """A million tokens read cost 1, and written 2; the tiny model is right about some."""
    suite = tmp_path / "few.toml"
    text = (trained.parent / "few.toml").read_text()
    suite.write_text(f'{text}\n[prices."{tiny}"]\nread = 1\nwritten = 2.0\n')
    run = measure(find_subject(str(trained)), few(tmp_path / "run"), tmp_path / "run")
    told = Run.open(run).result()
    rows = [row for row in read_rollouts(run / "measured" / "before.parquet") if row.cell.domain == "letters"]
    costs = sum(len(row.completion.prompt) + 2 * len(row.completion.tokens) for row in rows) / 1e6
    right = sum(row.paid or 0 for row in rows)
    money = told.get("cost.before.letters.money_per_right")
    assert (money.value == pytest.approx(costs / right)) if money else not right
    assert told["cost.before.letters.seconds"].value or 0 > 0
    suite.write_text(f'{text}\n[prices."another"]\nread = 1\nwritten = 2\n')
    with pytest.raises(PonderError, match=rf"few\.toml: prices: none of '{tiny}', only of another; add it$"):
        measure(find_subject(str(trained)), few(tmp_path / "run"), tmp_path / "out")
    suite.write_text(f'{text}\n[prices."{tiny}"]\nread = -1\nwritten = 2\n')
    with pytest.raises(PonderError, match=r"prices\..*read"):
        measure(find_subject(str(trained)), few(tmp_path / "run"), tmp_path / "out")
