"""A suite with attacks, from its file to the numbers and the page."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ponder import attacks
from ponder.attacks import ATTACKS
from ponder.domains.lab.requests import Requests
from ponder.recipes.load import load_recipe, parse
from ponder.recipes.measure import find_subject, measure
from ponder.recipes.schema import MeasureConfig, SuiteConfig
from ponder.recipes.train import train
from ponder.report.page import write_report
from ponder.runs.folder import Run
from ponder.runs.query import connect
from ponder.runs.table import read_rollouts
from ponder.types import PonderError
from recipes.small import write_small
from shared_data import data

HOSTILE = """
[attacks.backwards]
use = "reversed"
strength = [0.5, 1]
[attacks.rot13]
use = "rot_n"
n = 13
"""
UNDER = ("backwards-0.5", "backwards-1.0", "rot13-1.0")


def with_attacks(folder: Path, model: Path, sections: str = HOSTILE, head: str = "") -> Path:
    """A recipe whose suite has these attacks."""
    recipe = write_small(folder, model, cold=8, rl=2)
    suite = folder / "few.toml"
    suite.write_text(suite.read_text().replace("shots = 2\n", f"shots = 2\n{head}") + sections)
    return recipe


def few(folder: Path, name: str = "few.toml", *, problems: int | None = None) -> MeasureConfig:
    """To be measured by a suite in this folder."""
    return MeasureConfig(suite=str(folder / name), problems=problems, samples=None)


@pytest.fixture(scope="module")
def run(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attacks")
    return train(load_recipe(with_attacks(folder, tiny, head='modes = ["none"]\n')), folder / "run")


def test_every_condition_but_few_shot_is_asked_under_every_attack(run: Path):
    clean = {"untouched", "before", "forced", "after", "before-none", "after-none"}
    files = {file.stem for file in (run / "measured").iterdir()}
    assert files == clean | {"fewshot"} | {f"{name}-under-{variant}" for name in clean for variant in UNDER}


def test_attacked_rollouts_pair_with_their_clean_twins(run: Path):
    clean = {(r.problem.id, r.sample): r for r in read_rollouts(run / "measured" / "after.parquet")}
    for variant in UNDER:
        name, _, strength = variant.rpartition("-")
        attacked = read_rollouts(run / "measured" / f"after-under-{variant}.parquet")
        assert {(r.problem.id, r.sample) for r in attacked} == clean.keys()
        assert {(r.cell.attack, r.cell.strength) for r in attacked} == {(name, float(strength))}
        twins = [(r, clean[r.problem.id, r.sample]) for r in attacked]
        assert all(r.problem.question != twin.problem.question for r, twin in twins)
        assert all(r.problem.pair_id == twin.problem.pair_id for r, twin in twins)


def test_the_numbers_and_the_page_tell_it(run: Path):
    found = {name: n for name, n in Run.open(run).result().items() if name.startswith("attack.")}
    keys = ("clean", "backwards.accuracy", "backwards@0.5.accuracy", "backwards@1.0.accuracy", "rot13.accuracy")
    assert {f"attack.trained.after.{key}" for key in (*keys, "mean", "any_fails", "change")} <= found.keys()
    assert {name.split(".")[1] for name in found} == {"trained", "unseen"}
    conditions = {"untouched", "before", "forced", "after", "before-none", "after-none"}
    assert {name.split(".")[2] for name in found} == conditions
    connection, _ = connect(run)
    with connection:
        for name, number in found.items():
            assert number.value == pytest.approx((connection.execute(number.query).fetchone() or (None,))[0]), name
    told = write_report(run).read_text()
    assert "Under attack" in told and "rot13" in told and "any fails" in told


def test_numbers_of_clean_text_are_those_of_a_suite_without_attacks(run: Path, tiny: Path, tmp_path: Path):
    with_attacks(tmp_path, tiny, sections="", head='modes = ["none"]\n')
    plain = measure(find_subject(str(run)), few(tmp_path), tmp_path / "plain")
    ours, theirs = (
        {name: (n.value, n.low, n.high, n.n) for name, n in Run.open(each).result().items() if "cost" not in name}
        for each in (run, plain)
    )
    assert {name: each for name, each in ours.items() if not name.startswith(("attack.", "surface."))} == theirs


def test_a_bare_model_can_be_attacked_and_measuring_resumed(tiny: Path, tmp_path: Path):
    with_attacks(tmp_path, tiny)
    suite, out = few(tmp_path), tmp_path / "out"
    measure(find_subject(str(tiny)), suite, out)
    names = {"fewshot", "untouched"} | {f"untouched-under-{each}" for each in UNDER}
    assert {file.stem for file in (out / "measured").iterdir()} == names
    path = out / "measured" / f"untouched-under-{UNDER[0]}.parquet"
    before = pq.read_table(path)
    path.unlink()
    measure(find_subject(str(tiny)), suite, out, resume=True)
    assert pq.read_table(path) == before


def test_every_attack_asks_a_model(tiny: Path, tmp_path: Path):
    sections = "".join(f'[attacks.{use}]\nuse = "{use}"\n' for use in ATTACKS)
    with_attacks(tmp_path, tiny, sections=sections)
    suite = few(tmp_path, problems=2)
    out = measure(find_subject(str(tiny)), suite, tmp_path / "out")
    assert {name.split(".")[3] for name in Run.open(out).result() if name.startswith("attack.unseen.untouched")} == {
        *ATTACKS,
        "clean",
        "mean",
        "any_fails",
        "change",
    }


XSTEST = """
name = "xstest"
alone = true
problems = 450
max_tokens = 4
[domains.xstest]
use = "file"
path = "{path}"
fields = {{ question = "prompt", answer = "label" }}
split = "test"
[attacks.rot13]
use = "rot_n"
"""


def test_a_file_of_prompts_with_labels_is_a_suite(tiny: Path, tmp_path: Path):
    (tmp_path / "xstest.toml").write_text(XSTEST.format(path=data("xstest", "prompts.csv")))
    suite = few(tmp_path, "xstest.toml")
    out = measure(find_subject(str(tiny)), suite, tmp_path / "out")
    assert {file.stem for file in (out / "measured").iterdir()} == {"untouched", "untouched-under-rot13-1.0"}
    assert Run.open(out).result()["attack.unseen.untouched.any_fails"].n == 450


MISTAKES = [
    ('use = "rot13"', "x.use = 'rot13': no such attack; the nearest is 'rot_n'"),
    ('use = "rot_n"\nm = 3', "x.m = 3: no such option; known are n, wording"),
    ('use = "rot_n"\nstrength = 0', "attacks.x.strength.0 = 0: input should be greater than 0"),
    ('use = "rot_n"\nstrength = [1, 1.5]', "attacks.x.strength.1 = 1.5: input should be less than or equal to 1"),
    ('use = "rot_n"\nstrength = [1, 1.0]', "attacks.x.strength = [1, 1.0]: give each strength once"),
    ('use = "rot_n"\nstrength = []', "attacks.x.strength = []: name at least one"),
    ('use = "rot_n"\nstrength = "full"', "attacks.x.strength.0 = 'full': input should be a valid number"),
    ("n = 3", "attacks.x.use: missing; add it"),
]


@pytest.mark.parametrize(("said", "line"), MISTAKES)
def test_a_mistake_is_one_line_before_anything_runs(tiny: Path, tmp_path: Path, said: str, line: str):
    with_attacks(tmp_path, tiny, sections=f"[attacks.x]\n{said}\n")
    with pytest.raises(PonderError) as raised:
        measure(find_subject(str(tiny)), few(tmp_path), tmp_path / "out")
    assert str(raised.value).endswith(line) and "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["none", "a.b", "../x", ""])
def test_a_name_that_cells_and_files_cannot_have_is_refused(tiny: Path, tmp_path: Path, name: str):
    with_attacks(tmp_path, tiny, sections=f'[attacks."{name}"]\nuse = "leet"\n')
    with pytest.raises(PonderError, match=r"call it something of letters, digits, - and _, other than none"):
        measure(find_subject(str(tiny)), few(tmp_path), tmp_path / "out")


def test_a_lab_problem_under_attack_is_still_the_same_item():
    """Whatever the attack does, the gold and what the thinking is checked by stay."""
    (problem,) = Requests("r").problems("test", seed=1, n=1)
    for use in ATTACKS:
        attacked = attacks.build(use, {}).apply(problem, strength=1.0, seed=0)
        assert (attacked.reference, attacked.facts, attacked.id) == (problem.reference, problem.facts, problem.id)


def test_the_page_of_the_docs_names_every_attack_and_its_suite_is_read():
    page = (Path(__file__).parents[2] / "docs" / "attacks.md").read_text()
    kinds = page[page.index("| `use` |") : page.index("Only the last question")]
    assert set(re.findall(r"^\| `(\w+)` \|", kinds, re.MULTILINE)) == {"use", *ATTACKS}
    block = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]
    values = {"name": "s", "max_tokens": 4, "domains": {"coin": {"use": "coin"}}} | tomllib.loads(block)
    for name, each in parse(SuiteConfig, values, where="page").attacks.items():
        assert attacks.build(each.use, each.options, name=name).name == name
