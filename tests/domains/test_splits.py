from collections import Counter
from random import Random

import pytest

from ponder.domains.items import Item
from ponder.domains.splits import content_hash, draw, split_of
from ponder.streams import digest, stream
from ponder.types import PonderError


def number(rng: Random) -> Item:
    return Item(question=str(rng.randrange(10**9)), reference="1")


def test_a_stream_is_named_by_its_parts():
    assert stream("a", 1).random() == stream("a", 1).random()
    firsts = {stream(*parts).random() for parts in [("a", 12), ("a", 1, 2), ("a1", 2), ("a", "12"), ("a", 13)]}
    assert len(firsts) == 5


def test_a_stream_is_the_same_for_ever():
    assert stream("coin", "train", 0, 0).randrange(1000) == 479


def test_content_ignores_white_space_only():
    assert content_hash("a  b\n c ") == content_hash("a b c") != content_hash("a B c")
    assert content_hash("a b") == "c8687a08aa5d6ed2"


def test_half_a_surrogate_pair_hashes_like_the_mark_that_stands_for_it():
    assert content_hash("a\ud800") == content_hash("a?") and digest("a\ud800") == digest("a?")


def test_splits_have_their_shares():
    counts = Counter(split_of(str(k)) for k in range(10_000))
    assert (
        abs(counts["train"] - 8000) < 160
        and abs(counts["validation"] - 1000) < 120
        and abs(counts["test"] - 1000) < 120
    )


def test_draw_gives_items_of_the_split():
    for split in ("train", "validation", "test"):
        assert all(split_of(draw("k", split, 0, index, number).question) == split for index in range(20))


def test_seeds_and_indices_are_not_added():
    one = {draw("k", "train", 42, index, number).question for index in range(100)}
    other = {draw("k", "train", 43, index, number).question for index in range(100)}
    assert not one & other


def test_a_family_too_small_for_a_split_says_so():
    only = next(str(k) for k in range(100) if split_of(str(k)) == "train")
    with pytest.raises(PonderError, match=r"tiny: no item for split 'test' in 10000 draws: too few different items"):
        draw("tiny", "test", 0, 0, lambda rng: Item(question=only, reference="1"))


def test_a_family_that_gives_no_item_at_all_says_so():
    with pytest.raises(PonderError, match=r"none: no item for split 'test' in 10000 draws: each came to nothing"):
        draw("none", "test", 0, 0, lambda rng: None)


def test_a_draw_that_came_to_nothing_is_drawn_again():
    item = draw("k", "train", 0, 0, lambda rng: number(rng) if rng.random() < 0.2 else None)
    assert split_of(item.question) == "train"
