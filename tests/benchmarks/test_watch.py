"""Who used the processor, from texts as the kernel writes them."""

from __future__ import annotations

import os
import sys
import time

import pytest
from benchmarks.watch import Processor, Span, Watch, parse_stat, parse_ticks, tree_ticks


def test_the_first_line_of_stat_is_counted_without_guests():
    text = "cpu  100 20 30 400 50 6 7 8 90 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    assert parse_stat(text) == Processor(total=621, idle=450)


def test_ticks_are_read_behind_a_name_that_holds_brackets_and_spaces():
    head = "12 (a) b (c)) R " + " ".join(["0"] * 10)
    assert parse_ticks(f"{head} 5 6 7 8 20 0 1") == 26


def test_others_are_what_is_neither_idle_nor_own():
    span = Span(Processor(total=1000, idle=500), Processor(total=1200, idle=560), own=120)
    assert span.busy == pytest.approx((200 - 60 - 120) / 200)


def test_stolen_time_is_others():
    before = parse_stat("cpu 0 0 0 0 0 0 0 0 0 0\n")
    after = parse_stat("cpu 80 0 0 10 0 0 0 10 0 0\n")
    assert Span(before, after, own=80).busy == pytest.approx(0.1)


def test_rounding_of_ticks_never_makes_a_negative_share():
    assert Span(Processor(total=0, idle=0), Processor(total=100, idle=0), own=101).busy == 0.0
    assert Span(Processor(total=5, idle=5), Processor(total=5, idle=5), own=0).busy == 0.0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc")
def test_a_process_sees_its_own_work_and_not_as_others():
    seen, before = Watch(os.getpid()), tree_ticks(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert tree_ticks(os.getpid()) - before >= 5
    busy = seen.busy()
    assert busy is not None
    assert 0 <= busy <= 1
