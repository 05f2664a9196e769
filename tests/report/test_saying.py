"""Sentences that are no stronger than their intervals, and pictures whose places are worked out by hand."""

from __future__ import annotations

import pytest

from ponder.measure import attacked
from ponder.measure.profile import profile
from ponder.measure.spending import Level, Way
from ponder.measure.statistics import Estimate
from ponder.measure.transfer import Row, TransferTable
from ponder.report import payment, thinking
from ponder.report.dots import Dot, Series, ceiling, plot
from ponder.report.saying import attack_sentence, profile_sentence
from ponder.report.tables import matrix, tinted
from ponder.runs.result import Number


def gains(*values: float) -> TransferTable:
    rows = [
        Row(tier="trained", domain=f"d{at}", conditions={}, changes={"gain": Estimate(v, v - 0.098, v + 0.098, 50)})
        for at, v in enumerate(values)
    ]
    return TransferTable(tiers=(), domains=tuple(rows))


def test_domains_that_surely_differ_are_uneven():
    told = profile_sentence(profile(gains(-0.1, 0.2, 0.5), "gain"))
    assert told == (
        "It is uneven: from −10 [−20, 0] in d0, the worst, to +50 [+40, +60] in d2, with a standard deviation of 30 "
        "points over 3 domains, where sampling alone would make 5."
    )


def test_domains_that_may_be_the_same_are_not():
    assert profile_sentence(profile(gains(0.15, 0.2, 0.25), "gain")).startswith(
        "Domains cannot be told apart: from +15"
    )
    assert profile_sentence(None) == ""


def attack(low: float, high: float, condition: str = "after") -> attacked.Row:
    middle = (low + high) / 2
    estimates = {
        "clean": Estimate(0.8, 0.7, 0.9, 40),
        "mean": Estimate(0.5, 0.4, 0.6, 40),
        "change": Estimate(middle, low, high, 40),
        "any_fails": Estimate(0.75, 0.6, 0.9, 40),
    }
    return attacked.Row(tier="trained", condition=condition, attacks=("noise",), estimates=estimates, queries={})


def test_attacks_are_told_of_the_last_weights_and_as_surely_as_they_are_known():
    told = attack_sentence([attack(-0.1, 0.1, "before"), attack(-0.4, -0.2)])
    assert told == (
        "Of the trained problems, after, 80% right as they are and 50% under attack: attacks lower that (−30 points, "
        "−40 to −20); at least one of the attacks makes 75% (60 to 90) wrong."
    )
    assert "no difference can be told from chance" in attack_sentence([attack(-0.4, 0.1)])
    assert attack_sentence([]) == "" and attack_sentence([attack(-0.4, -0.2, "after-none")]) == ""


def gap(value: float) -> Number:
    return Number(value, value - 0.05, value + 0.05, 96)


def test_what_is_paid_leaves_right_answers_behind_only_where_the_gaps_are_apart():
    numbers = {"watch.gap.opening": gap(0.1), "watch.gap.last": gap(0.3), "watch.alarm": Number(0.0, None, None, 9)}
    assert payment.sentence("hasty", numbers) == (
        "What the verifier hasty pays left behind what is right: the gap between them was 0.10 [0.05, 0.15] in the "
        "opening and 0.30 [0.25, 0.35] at the end; no alarm sounded."
    )
    told = payment.sentence("<b>", numbers | {"watch.gap.last": gap(0.15)})
    assert told.startswith("That what the verifier &lt;b&gt; pays left behind what is right cannot be told")
    assert payment.sentence("", {}) == "" and payment.sentence("", {"watch.gap.opening": gap(0.1)}) == ""


def test_an_audit_in_the_run_is_its_card():
    low = Number(0.2, 0.1, 0.3, 50)
    told = payment.section("", [], {"audit.j": low, "audit.fpr": low, "audit.auc": low, "audit.not_judged": low})
    assert "Unfit: " in told and "wrong answers accepted, in its audit" in told


@pytest.mark.parametrize(("highest", "top"), [(0, 1), (0.3, 0.5), (1, 1), (1.1, 2), (27, 50), (51, 100), (884, 1000)])
def test_axes_end_at_round_numbers(highest: float, top: float):
    assert ceiling(highest) == pytest.approx(top)


def test_places_of_dots():
    dots = [
        Dot(across=0.25, value=5, low=0, high=10, told="<&>"),
        Dot(across=0.75, value=20, low=10, high=99, told="b"),
    ]
    drawn = plot(
        [Series(kind="after", mark="after", name="x", dots=dots)], ticks=[(0.5, "mid")], top=20, ends=("0", "20")
    )
    assert 'x1="25.00%" x2="75.00%" y1="139.5" y2="6.0"' in drawn  # 184 - 178 / 4, and the top
    assert 'x1="75.00%" x2="75.00%" y1="95.0" y2="6.0"' in drawn  # what is above the axis ends with it
    assert "<title>&lt;&amp;&gt;</title>" in drawn and 'style="left:50.0%">mid<' in drawn


def test_levels_and_ways_have_their_numbers_behind_them():
    tokens, right = Estimate(12.34, 10.0, 14.0, 30), Estimate(0.5, 0.4, 0.6, 30)
    level = Level(condition="before", lowest=1, highest=2, tokens=tokens, accuracy=right)
    way = Way(tier="shown", name="before, <i>", condition="before", tokens=tokens, accuracy=right)
    for html in (thinking.by_difficulty([level]), thinking.by_way([way])):
        assert "12.3" in html and "10.0 to 14.0" in html and "40 to 60" in html and "<i>" not in html
    assert thinking.by_difficulty([]) == thinking.by_way([]) == ""


def test_a_matrix_is_tinted_by_what_is_sure():
    assert 'class="up tint" style="--depth:20%"' in tinted(Estimate(0.3, 0.2, 0.4, 50))
    assert 'class="down tint" style="--depth:45%"' in tinted(Estimate(-0.8, -0.9, -0.7, 50))
    assert 'class="same tint" style="--depth:0%"' in tinted(Estimate(0.3, -0.2, 0.8, 50))
    two = {"gain": Estimate(0.3, 0.2, 0.4, 50), "cold_start_gain": Estimate(0.1, -0.2, 0.4, 50)}
    rows = (Row(tier="trained", domain="", conditions={}, changes=two),)
    html = matrix(TransferTable(tiers=rows, domains=()))
    assert "cold start" in html and ">reinforcement learning" in html and "+30" in html
    three = (Row(tier="trained", domain="", conditions={}, changes={**two, "distil_gain": two["gain"]}),)
    assert ">distillation and reinforcement learning" in matrix(TransferTable(tiers=three, domains=()))
    assert (
        matrix(
            TransferTable(
                tiers=(Row(tier="trained", domain="", conditions={}, changes={"gain": two["gain"]}),), domains=()
            )
        )
        == ""
    )
