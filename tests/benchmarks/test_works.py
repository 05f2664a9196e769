"""The works' own pure parts: prompts, answers, curves."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import pytest
import torch
from benchmarks.models import SIZES, random_llama, random_words
from benchmarks.plot import svg
from benchmarks.works.gap import differences
from benchmarks.works.maths import FORMS, pairs
from transformers import AutoModelForCausalLM, AutoTokenizer

from ponder.model.load import load_model
from ponder.types import Message, Problem, Submission
from ponder.verifiers.maths import Maths


def test_a_random_llama_is_the_same_for_transformers_and_its_prompts_are_its_own(tmp_path: Path):
    folder = random_llama(tmp_path / "tiny", SIZES["tiny"])
    prompts = random_words(SIZES["tiny"], prompts=3, length=5)
    assert AutoTokenizer.from_pretrained(folder)(prompts.texts)["input_ids"] == prompts.tokens
    assert prompts.positions == 15
    theirs = AutoModelForCausalLM.from_pretrained(folder)
    ours = dict(load_model(folder, dtype=torch.float32).named_parameters())
    for name, weight in theirs.named_parameters():
        torch.testing.assert_close(weight, ours[name])


def test_two_million_weights_are_about_two_million(tmp_path: Path):
    model = load_model(random_llama(tmp_path / "2M", SIZES["2M"]), dtype=torch.float32)
    assert sum(weight.numel() for _, weight in model.named_parameters()) == pytest.approx(2.6e6, rel=0.1)


def test_every_second_answer_is_wrong_and_maths_agrees():
    found = list(pairs(["12"] * 14))
    submissions = [Submission(problem=problem(reference), answer=answer) for answer, reference in found]
    verdicts = Maths().verify(submissions)
    assert [verdict.value for verdict in verdicts] == [1.0, 0.0] * 7
    assert len({answer for answer, _ in found}) == 2 * len(FORMS)


def problem(reference: str) -> Problem:
    return Problem(id="x", domain="d", split="test", messages=(Message(role="user", content="?"),), reference=reference)


def test_differences_are_absolute_and_over_all_tokens():
    texts = [[{"tokens": [1, 2], "logprobs": [-1.0, -2.0]}], [{"tokens": [3], "logprobs": [-3.0]}]]
    numbers = differences("gap", texts, [[[-1.5, -2.0]], [[-2.0]]], "somebody")
    assert numbers["gap.mean"].value == pytest.approx(0.5)
    assert numbers["gap.p999"].value == pytest.approx(1.0, abs=0.01)
    assert numbers["gap.mean"].n == 3


def test_the_plot_has_two_panels_a_curve_with_two_lines_each():
    part = {"seconds": 1.0, "peak_bytes": 10**9, "tokens": 5, "busy": 0.0}
    points = [
        {"point": {"curve": curve, "value": str(n)}, "sample": part, "learn": part | {"seconds": float(n)}}
        for curve in ("tokens", "cores")
        for n in (1, 2)
    ]
    root = ElementTree.fromstring(svg(points))
    kinds = Counter(element.get("class") for element in root.iter() if element.tag.endswith("path"))
    assert kinds == {"axis": 4, "line sample": 4, "line learn": 4}
