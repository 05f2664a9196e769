from __future__ import annotations

import pytest
import torch

from ponder.engine.packing import Micro, micro_batches, pack, place
from ponder.types import Branch, Lesson

GROUP = Lesson(
    prompt=(5, 6),
    branches=(
        Branch(tokens=(7, 8, 9), weight=0.1, advantage=2.0, logprobs=(-1.0, -2.0, -3.0)),
        Branch(tokens=(4,), weight=0.2, advantage=-1.0, logprobs=(-4.0,)),
        Branch(tokens=(3, 2), weight=0.3, advantage=0.5, logprobs=(-5.0, -6.0)),
    ),
)
"""Row: 5 6 | 7 8 | (nothing) | 3, for the last token of a branch is predicted and predicts nothing."""
EXAMPLE = Lesson(prompt=(1,), branches=(Branch(tokens=(2, 3), weight=0.5),))


def packed(*lessons: Lesson) -> Micro:
    return pack(place(lessons))


def test_a_group_is_laid_out_by_hand():
    micro = packed(GROUP)
    assert micro.tokens_RL.tolist() == [[5, 6, 7, 8, 3]]
    assert micro.positions_RL.tolist() == [[0, 1, 2, 3, 2]]
    assert micro.tree.mask().int().tolist() == [
        [
            [
                [1, 0, 0, 0, 0],
                [1, 1, 0, 0, 0],
                [1, 1, 1, 0, 0],
                [1, 1, 1, 1, 0],
                [1, 1, 0, 0, 1],
            ]
        ]
    ]
    assert micro.source_N.tolist() == [1, 2, 3, 1, 1, 4]
    assert micro.target_N.tolist() == [7, 8, 9, 4, 3, 2]
    assert micro.sampled_N.tolist() == [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0]
    assert micro.advantage_N.tolist() == [2.0, 2.0, 2.0, -1.0, 0.5, 0.5]
    assert micro.weight_N.tolist() == pytest.approx([0.1, 0.1, 0.1, 0.2, 0.3, 0.3])
    assert micro.branch_N.tolist() == [0, 0, 0, 1, 2, 2]
    assert micro.drawn_N.all() and micro.old_N.isnan().all() and micro.reference_N.isnan().all()


def test_what_was_not_drawn_weighs_nothing():
    branch = Branch(tokens=(7, 8, 9), weight=0.5, old=(-1.0, -2.0, -3.0), reference=(-4.0, -5.0, -6.0), forced=(1,))
    micro = packed(EXAMPLE, Lesson(prompt=(5,), branches=(branch,)))
    assert micro.weight_N.tolist() == [0.5, 0.5, 0.5, 0.0, 0.5]
    assert micro.old_N[2:].tolist() == [-1.0, -2.0, -3.0]
    assert micro.reference_N[2:].tolist() == [-4.0, -5.0, -6.0]


def test_a_group_that_is_too_long_is_spread_over_rows_that_hold_the_prompt_again():
    rows = {n: [m.tokens_RL.tolist() for m in micro_batches([GROUP], tokens=n)] for n in (5, 4, 3)}
    assert rows == {5: [[[5, 6, 7, 8, 3]]], 4: [[[5, 6, 7, 8]], [[5, 6, 3]]], 3: [[[5, 6, 7, 8]], [[5, 6, 3]]]}
    spread = list(micro_batches([EXAMPLE, GROUP], tokens=4))
    assert sorted(n for m in spread for n in m.branch_N.tolist()) == [0, 0, 1, 1, 1, 2, 3, 3]
    assert sum(m.weight_N.sum().item() for m in spread) == pytest.approx(1.0 + 0.3 + 0.2 + 0.6)


def test_where_prompts_cannot_be_shared_every_branch_has_a_row():
    micros = list(micro_batches([EXAMPLE, GROUP], tokens=8, shared=False))
    rows = [row for m in micros for row in m.tokens_RL.tolist()]
    assert sorted(tuple(t for t in row if t) for row in rows) == [(1, 2), (5, 6), (5, 6, 3), (5, 6, 7, 8)]
    assert sorted(torch.cat([m.branch_N for m in micros]).tolist()) == [0, 0, 1, 1, 1, 2, 3, 3]


def test_a_shorter_row_is_padded_and_its_sources_count_from_its_own_start():
    micro = packed(GROUP, EXAMPLE)
    assert micro.tokens_RL.tolist() == [[5, 6, 7, 8, 3], [1, 2, 0, 0, 0]]
    assert micro.source_N.tolist()[6:] == [5, 6]
    assert micro.target_N.tolist()[6:] == [2, 3]
    assert micro.sampled_N.isnan().tolist() == [False] * 6 + [True] * 2
    text, padding = micro.tree.mask()[1, 0, :2], micro.tree.mask()[1, 0, 2:]
    assert text.int().tolist() == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0]]
    assert padding.any(-1).all(), "a position that may attend to nothing gives NaN"


@pytest.mark.parametrize(("lesson", "positions"), [(GROUP, 5), (EXAMPLE, 2)])
def test_length_counts_the_prompt_once(lesson: Lesson, positions: int):
    assert lesson.length == positions


def lesson_of(positions: int) -> Lesson:
    return Lesson(prompt=(1,) * positions, branches=(Branch(tokens=(2,), weight=1.0),))


def test_micro_batches_go_from_long_to_short_within_their_tokens():
    shapes = [tuple(m.tokens_RL.shape) for m in micro_batches([lesson_of(n) for n in (8, 9, 6, 7, 9, 8)], tokens=27)]
    assert shapes == [(3, 9), (3, 8)]


def test_rows_of_a_micro_batch_are_of_like_length():
    shapes = [
        tuple(m.tokens_RL.shape) for m in micro_batches([lesson_of(n) for n in (5, 100, 60, 59, 6, 1)], tokens=999)
    ]
    assert shapes == [(2, 100), (1, 59), (2, 6), (1, 1)]


def test_a_lesson_longer_than_a_micro_batch_goes_alone():
    assert [tuple(m.tokens_RL.shape) for m in micro_batches([lesson_of(9), lesson_of(7)], tokens=5)] == [(1, 9), (1, 7)]
    assert list(micro_batches([], tokens=5)) == []


def test_every_token_is_learned_exactly_once():
    micros = micro_batches([GROUP, EXAMPLE, lesson_of(3)], tokens=6)
    assert sorted(torch.cat([m.target_N for m in micros]).tolist()) == sorted([7, 8, 9, 4, 3, 2, 2, 3, 2])
