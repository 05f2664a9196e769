"""Charts put values where they belong, and leave gaps where there are none."""

from __future__ import annotations

import math
import re

import pytest

from ponder.measure.statistics import Estimate
from ponder.measure.transfer import Row
from ponder.report import charts, metrics
from ponder.report.curves import curves


def test_whiskers_stand_at_their_percentages():
    row = Row(tier="trained", domain="x", conditions={"after": {"accuracy": Estimate(0.5, 0.25, 0.8, 48)}}, changes={})
    svg = charts.whiskers(row, ["before", "after"])
    assert 'x1="25.00%" x2="80.00%"' in svg
    assert '<svg x="50.00%"' in svg
    assert "c-before" not in svg
    assert "after: 50%, 95% interval 25 to 80, 48 problems" in svg


class TestCurve:
    def test_spans_the_frame(self):
        (path,) = re.findall(r'd="([^"]*)"', charts.curve([0.0, 0.5, 1.0]))
        assert path == "M0.00 39.00L50.00 20.00L100.00 1.00"

    def test_gaps_break_the_line(self):
        (path,) = re.findall(r'd="([^"]*)"', charts.curve([1.0, None, math.inf, 1.0, 1.0]))
        assert path == "M0.00 1.00M75.00 1.00L100.00 1.00"

    def test_negative_values_lower_the_axis(self):
        assert metrics.bounds([-2.0, 1.0], None) == (-2.0, 1.0)
        assert metrics.bounds([0.2, 0.4], 1) == (0.0, 1)
        assert metrics.bounds([0.0, 0.0], None) == (0.0, 1.0)

    def test_long_ones_are_averaged(self):
        thin = charts.thinned([float(i) for i in range(1000)])
        assert len(thin) == 200
        assert thin[0] == pytest.approx(2.0)

    def test_a_constant_stays_when_smoothed(self):
        assert charts.smoothed([3.0] * 50) == [3.0] * 50


class TestCurves:
    def test_each_stage_has_its_own(self):
        steps = [
            {"stage": stage, "step": i, "loss": 1.0 / (i + 1)}
            for stage in ("cold_start", "reinforce")
            for i in range(3)
        ]
        html = curves(steps)
        assert html.index("Cold start") < html.index("Reinforcement learning")
        assert html.count("<figure") == 2
        assert "1 → 0.333" in html

    def test_nothing_with_two_values_is_nothing(self):
        assert curves([]) == ""
        assert (
            curves(
                [{"stage": "reinforce", "step": 0, "reward": 0.5}, {"stage": "reinforce", "step": 1, "reward": None}]
            )
            == ""
        )

    def test_an_unknown_stage_is_escaped(self):
        html = curves([{"stage": "<b>", "step": i, "reward": 0.5} for i in range(2)])
        assert "<b>0" not in html.replace("<b>0.50 → 0.50", "")
        assert "<h3>&lt;b&gt;</h3>" in html
