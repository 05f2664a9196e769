"""Text from data does nothing, and sentences say no more than their intervals."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ponder.measure.statistics import Estimate
from ponder.measure.transfer import Row, TransferTable
from ponder.report import text


class TestEscape:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("<script>alert('1')</script>", "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;"),
            ('" onload="x', "&quot; onload=&quot;x"),
            ("a\x00b\x1b[31m", "a⟨U+0000⟩b⟨U+001B⟩[31m"),
            ("abc\u202edef\u2066", "abc⟨U+202E⟩def⟨U+2066⟩"),
            ("\x7f\x85\ufeff\u200b\u2028", "⟨U+007F⟩⟨U+0085⟩⟨U+FEFF⟩⟨U+200B⟩⟨U+2028⟩"),
            ("\ud800", "⟨U+D800⟩"),
            ("two\nlines\tand a tab", "two\nlines\tand a tab"),
            ("नमस्ते क्\u200dष 👩\u200d🔬 שלום", "नमस्ते क्\u200dष 👩\u200d🔬 שלום"),
            (12, "12"),
        ],
    )
    def test_inert(self, given: object, shown: str):
        assert text.escape(given) == shown

    def test_a_megabyte_is_cut_with_a_note(self):
        shown = text.escape("x" * 1_000_000, limit=1000)
        assert shown.startswith("x" * 1000 + "<span")
        assert "999,000 more characters" in shown
        assert len(shown) < 1200

    def test_a_cut_never_splits_an_entity(self):
        assert text.escape("<<<<", limit=2).startswith("&lt;&lt;<span")


@pytest.mark.parametrize(("number", "shown"), [(40.4, "+40"), (-3.2, "−3"), (-0.4, "0"), (0, "0"), (math.inf, "?")])
def test_signed(number: float, shown: str):
    assert text.signed(number) == shown


def table(**gains: Estimate) -> TransferTable:
    """Tiers with these gains, from 40% on."""
    return TransferTable(tiers=tuple(row(tier, gain) for tier, gain in gains.items()), domains=())


def row(tier: str, gain: Estimate, *, name: str = "gain") -> Row:
    before = Estimate(0.4, 0.3, 0.5, 50)
    after = Estimate(0.4 + gain.value, 0, 1, 50)
    conditions = {key: {"accuracy": before} for key in ("untouched", "before", "forced")} | {
        "after": {"accuracy": after}
    }
    parts = {key: Estimate(gain.value / 3, -0.1, 0.4, 50) for key in ("more", "better", "direct")}
    return Row(tier=tier, domain="", conditions=conditions, changes={name: gain, "forced_gain": gain} | parts)


class TestSentences:
    def test_a_sure_gain(self):
        found = text.sentences(table(trained=Estimate(0.3, 0.2, 0.41, 50)))
        assert found == [
            "Reinforcement learning raised accuracy from 40% to 70% in the domains it trained on "
            "(+30 points, 95% interval +20 to +41)."
        ]

    def test_a_sure_loss(self):
        assert "lowered accuracy from 40% to 30%" in text.sentences(table(unseen=Estimate(-0.1, -0.15, -0.05, 50)))[0]

    @pytest.mark.parametrize("gain", [Estimate(0.3, -0.01, 0.6, 9), Estimate(-0.3, -0.6, 0.0, 9), Estimate(0, 0, 0, 9)])
    def test_an_interval_that_holds_0_claims_nothing(self, gain: Estimate):
        said = text.sentences(table(trained=gain))[0]
        assert "no difference that can be told from chance" in said
        assert "raised" not in said
        assert "lowered" not in said

    def test_one_sentence_a_tier(self):
        gains = {tier: Estimate(0.1, 0.05, 0.15, 50) for tier in ("trained", "shown", "unseen")}
        found = text.sentences(table(**gains))
        assert [sentence.split()[0] for sentence in found] == ["Reinforcement", "It", "It"]

    def test_what_was_distilled_between_is_no_gain_of_reinforcement_alone(self):
        gains = {tier: Estimate(0.1, 0.05, 0.15, 50) for tier in ("trained", "shown")}
        rows = table(**gains).tiers
        both = replace(rows[0], changes={**rows[0].changes, "distil_gain": gains["trained"]})
        found = text.sentences(TransferTable(tiers=(both, rows[1]), domains=()))
        assert found[0].startswith("Distillation and reinforcement learning raised")
        assert found[1].startswith("They raised")

    def test_without_reinforcement_it_is_about_the_cold_start(self):
        tiers = (row("shown", Estimate(0.3, 0.2, 0.4, 50), name="cold_start_gain"),)
        said = text.sentences(TransferTable(tiers=tiers, domains=()))[0]
        assert said.startswith("The cold start raised")

    def test_nothing_to_compare(self):
        assert "No training can be compared" in text.sentences(TransferTable(tiers=(), domains=()))[0]

    def test_the_control_may_explain_the_gain_away(self):
        assert "training did better" in text.control_sentence(table(trained=Estimate(0.3, 0.2, 0.4, 50)))
        assert "cannot be told apart" in text.control_sentence(table(trained=Estimate(0.3, -0.2, 0.4, 50)))
        assert text.control_sentence(table(shown=Estimate(0.3, 0.2, 0.4, 50))) == ""

    def test_being_worse_than_a_few_solved_examples_is_told(self):
        lost = row("unseen", Estimate(-0.18, -0.24, -0.11, 50), name="fewshot_gain")
        unsure = row("shown", Estimate(-0.1, -0.3, 0.1, 50), name="fewshot_gain")
        said = text.fewshot_sentence(TransferTable(tiers=(lost, unsure), domains=()))
        assert "untouched model did better" in said and said.endswith("both read leniently: unseen −18 (−24 to −11).")
        assert text.fewshot_sentence(TransferTable(tiers=(unsure,), domains=())) == ""

    def test_parts_only_of_a_sure_gain(self):
        assert "+10 (−10 to +40) to better thinking" in text.parts_sentence(table(trained=Estimate(0.3, 0.2, 0.4, 50)))
        assert text.parts_sentence(table(trained=Estimate(0.3, -0.2, 0.4, 50))) == ""
