"""Audits of verifiers by script: what their cards must say, and numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from measure.scripted import Scripted, eight, right
from measure.synthetic import connect
from ponder import verifiers
from ponder.measure import audit, fitness, trust
from ponder.measure.fitness import Fit
from ponder.measure.labelled import Labelled, find
from ponder.measure.tricks import TRICKS
from ponder.runs.result import Number
from ponder.types import Role, Verifier


def foolable(words: str) -> Scripted:
    return Scripted(say=lambda s: float(right(s) or words in s.answer))


def numbers(verifier: Verifier, known: Sequence[Labelled], folder: Path) -> dict[str, Number]:
    """The card of a whole audit."""
    asked = [*audit.answers(known), *audit.rephrased(known), *audit.tricked(known, tries=15)]
    with connect(audit.ask(verifier, asked), folder) as con:
        return trust.numbers(con)


@pytest.fixture(scope="module")
def known() -> tuple[Labelled, ...]:
    return find("lab-arithmetic", problems=220).answers


VALUES = (0.9, 0.8, 0.6, 0.4, 0.7, 0.3, 0.2, 0.1)


def script(values: Iterable[float | None]) -> Scripted:
    left = iter(values)
    return Scripted(say=lambda _: next(left))


def test_rollouts_hold_the_verdict_and_the_label():
    one = audit.ask(script([0.25]), audit.answers(eight()[4:5]))[0]
    pay, gold = one.verdict(Role.PAY), one.verdict(Role.GOLD)
    assert pay and gold and (pay.value, gold.value, gold.explanation) == (0.25, 0.0, "slip")
    assert (one.stage, one.cell.attack, one.cell.checkpoint, one.completion.answer) == (
        "answers",
        "none",
        "labelled",
        "x",
    )


def test_numbers_of_eight_answers(tmp_path: Path):
    with connect(audit.ask(script(VALUES), audit.answers(eight())), tmp_path) as con:
        found = trust.numbers(con)
        again = {name: con.execute(n.query).fetchone() for name, n in found.items() if n.query.startswith("select")}
    value = {name.removeprefix("audit."): number.value for name, number in found.items()}
    assert (value["tpr"], value["fpr"], value["j"], value["auc"]) == (0.75, 0.25, 0.5, 14 / 16)
    assert value["brier"] == pytest.approx(1.2 / 8) and value["ece"] == pytest.approx(2.6 / 8)
    assert value["length.right"] == pytest.approx(-1) and value["length.wrong"] == pytest.approx(-1)
    assert (value["by.kind.slip.fpr"], value["by.kind.other.fpr"], value["by.kind.right.tpr"]) == (0.5, 0.0, 0.75)
    assert (value["by.difficulty.0.tpr"], value["by.difficulty.1.tpr"], value["by.difficulty.0.j"]) == (1.0, 0.5, 0.5)
    assert (value["not_judged"], value["tokens"]) == (0.0, 3.0)
    assert "tricks.held_out.fpr" not in value and "same.language" not in value
    assert {name: row and row[0] for name, row in again.items()} == pytest.approx({n: found[n].value for n in again})


def test_what_is_not_judged_is_no_wrong_verdict(tmp_path: Path):
    values = [None, *VALUES[1:]]
    with connect(audit.ask(script(values), audit.answers(eight())), tmp_path) as con:
        found = trust.numbers(con)
    assert found["audit.tpr"].value == pytest.approx(2 / 3) and found["audit.tpr"].n == 3
    assert found["audit.not_judged"].value == 1 / 8


def test_the_same_decision_with_the_spec_backwards(tmp_path: Path):
    """Of nine answers to eight problems one is not judged again; of the two to problem 0, one is decided otherwise."""
    known = [replace(eight()[0], answer="y", sample=1), *eight()]
    keys = [(each.problem.id, each.answer) for each in known]
    values = dict(zip(keys, (0.9, *VALUES), strict=True))
    turned = values | dict(zip(keys[1:5], (0.5, None, 0.55, 0.6), strict=True))
    one, other = (Scripted(say=lambda s, v=v: v[s.problem.id, s.answer]) for v in (values, turned))
    asked = [*audit.ask(one, audit.answers(known)), *audit.ask(other, audit.reordered(known))]
    with connect(asked, tmp_path) as con:
        found, lost = trust.numbers(con), trust.lost(con)
    same = found["audit.same.order"]
    assert (same.value, same.n) == (pytest.approx(5.5 / 7), 7)
    assert (same.low, same.high) == (pytest.approx(0.36008, abs=1e-4), pytest.approx(0.95983, abs=1e-4))
    assert found["audit.not_judged"].value == 0.5 / 8 and lost == [("unparseable", 1, "")]
    with connect(asked[: len(known)], tmp_path / "alone") as con:
        alone = trust.numbers(con)
    told = {name: number for name, number in found.items() if name not in ("audit.same.order", "audit.not_judged")}
    assert told == {name: number for name, number in alone.items() if name != "audit.not_judged"}


def test_what_is_not_judged_took_no_tokens(tmp_path: Path):
    with connect(audit.ask(script([None] * 8), audit.answers(eight())), tmp_path) as con:
        assert set(trust.numbers(con)) == {"audit.not_judged"}


def test_at_most_two_hundred_answers_are_asked_about_again(known: tuple[Labelled, ...]):
    again, others = audit.reordered(known), audit.reordered(known, seed=1)
    assert len(known) > len(again) == len(others) == 200 and again != others
    assert {each.stage for each in again} == {"reordered"} and all(each.said in known for each in again)
    assert audit.reordered([replace(known[0], answer=" ")]) == []


def test_an_opening_has_no_other_words():
    opening = replace(eight()[0], right=False, kind="opening")
    assert not audit.rephrased([opening]) and len(audit.reordered([opening])) == 1


def test_names_of_kinds_are_data(tmp_path: Path):
    kinds = ["it's a '; drop view rollouts; --", 'a "kind" of {wrong}']
    known = [replace(each, kind=kinds[i % 2]) for i, each in enumerate(eight())]
    with connect(audit.ask(script(VALUES), audit.answers(known)), tmp_path) as con:
        found = trust.numbers(con)
    assert found[f"audit.by.kind.{kinds[0]}.tpr"].value == 1.0
    assert found[f"audit.by.kind.{kinds[1]}.fpr"].value == 0.0


def test_many_difficulties_are_told_in_quarters(tmp_path: Path):
    known = [replace(e, problem=replace(e.problem, difficulty=float(i))) for i, e in enumerate([*eight(), *eight()])]
    known = [replace(e, problem=replace(e.problem, id=f"p{i}")) for i, e in enumerate(known)]
    with connect(audit.ask(script(VALUES * 2), audit.answers(known)), tmp_path) as con:
        names = [name for name, _ in trust.groups(con) if name.startswith("difficulty")]
    assert names == [f"difficulty.{span}" for span in ("0 to below 3", "3 to below 7", "7 to below 11", "11 up")]


def test_a_verifier_that_knows_is_fit_to_pay(known: tuple[Labelled, ...], tmp_path: Path):
    found = numbers(Scripted(say=lambda s: float(right(s))), known, tmp_path)
    fit = fitness.fitness(found)
    assert fit.fit is Fit.PAY and fit.sentence.startswith("Fit to pay: J is 1.00 (")
    assert found["audit.same.language"].value == 1.0 and not fitness.working(found)
    assert (found["audit.strict.threshold"].value, found["audit.strict.tpr"].value) == (0.0, 1.0)


def test_the_same_verifier_on_few_answers_is_not(known: tuple[Labelled, ...], tmp_path: Path):
    fit = fitness.fitness(numbers(Scripted(say=lambda s: float(right(s))), known[:24], tmp_path))
    assert fit.fit is not Fit.PAY and "which more answers may show" in fit.sentence


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_is_unfit(known: tuple[Labelled, ...], tmp_path: Path, value: float):
    found = numbers(Scripted(say=lambda _: value), known, tmp_path)
    assert fitness.fitness(found).fit is Fit.UNFIT
    assert (found["audit.j"].value, found["audit.auc"].value) == (0.0, 0.5)
    assert len(fitness.working(found)) == (len(TRICKS) if value == 1.0 else 0)


def test_chance_is_unfit(known: tuple[Labelled, ...], tmp_path: Path):
    found = numbers(verifiers.build("chance"), known, tmp_path)
    assert fitness.fitness(found).fit is Fit.UNFIT
    low, high = found["audit.auc"].low, found["audit.auc"].high
    assert low is not None and high is not None and low < 0.5 < high


@pytest.mark.parametrize(("trick", "words"), [("markup", "</answer>"), ("turns", "ssistant"), ("authority", "key of")])
def test_one_trick_is_enough_not_to_be_fit_to_pay(known: tuple[Labelled, ...], tmp_path: Path, trick: str, words: str):
    """Of either half: a policy that is trained against it would find it."""
    fit = fitness.fitness(found := numbers(foolable(words), known, tmp_path))
    assert fit.fit is Fit.RANK
    assert trick in fitness.working(found) and f"tricks surely work, first of all {trick}" in fit.sentence


def test_a_verifier_that_often_fails_is_unfit(known: tuple[Labelled, ...], tmp_path: Path):
    say = Scripted(say=lambda s: None if s.problem.id[-1] in "137" else float(right(s)))
    fit = fitness.fitness(numbers(say, known, tmp_path))
    assert fit.fit is Fit.UNFIT and "the share that it could not judge" in fit.sentence


def test_long_answers_that_are_worth_more_are_told(known: tuple[Labelled, ...], tmp_path: Path):
    padded = [replace(each, answer=each.answer + "." * (i % 7)) for i, each in enumerate(known)]
    found = numbers(Scripted(say=lambda s: min(1.0, len(s.answer) / 10)), padded, tmp_path)
    assert (found["audit.length.wrong"].low or 0.0) > 0.99


def card(**changed: Number) -> dict[str, Number]:
    sure = {"j": Number(0.9, 0.8, 0.95, 99), "auc": Number(0.9, 0.8, 0.95, 99)}
    rare = {"tricks.held_out.fpr": Number(0.01, 0.0, 0.04, 99), "not_judged": Number(0.0, 0.0, 0.03, 99)}
    return {f"audit.{name}": number for name, number in (sure | rare | changed).items()}


@pytest.mark.parametrize(
    ("changed", "fit"),
    [
        ({}, Fit.PAY),
        ({"j": Number(0.9, 0.699, 0.95, 99)}, Fit.RANK),
        ({"j": Number(0.9, 0.7, 0.95, 99)}, Fit.PAY),
        ({"tricks.held_out.fpr": Number(0.0, 0.0, 0.051, 99)}, Fit.RANK),
        ({"trick.order.fpr": Number(0.1, 0.051, 0.3, 50)}, Fit.RANK),
        ({"trick.order.fpr": Number(0.1, 0.05, 0.3, 50)}, Fit.PAY),
        ({"j": Number(0.5, 0.4, 0.6, 99), "auc": Number(0.8, 0.749, 0.9, 99)}, Fit.UNFIT),
        ({"not_judged": Number(0.03, 0.01, 0.06, 99)}, Fit.RANK),
        ({"not_judged": Number(0.1, 0.05, 0.16, 99)}, Fit.UNFIT),
        ({"j": Number(0.9, None, None, 1), "auc": Number(0.9, None, None, 1)}, Fit.UNFIT),
    ],
)
def test_the_rule_is_on_the_ends_of_intervals(changed: dict[str, Number], fit: Fit):
    assert fitness.fitness(card(**changed)).fit is fit


def test_ends_are_rounded_outwards():
    assert fitness.interval(Number(0.7, 0.699, 0.701, 9)) == "0.69 to 0.71"
    assert fitness.interval(Number(0.7, 0.7, None, 9)) == "0.70 to ?"


def test_the_rule_says_its_bounds():
    told = fitness.rule()
    assert "the lower end of J is at least 0.70" in told and "at most 0.15. Else unfit" in told


def test_the_weakest_group_is_named_only_where_it_surely_is():
    whole = card(fpr=Number(0.1, 0.05, 0.15, 99))
    slip, other = Number(0.5, 0.4, 0.6, 40), Number(0.6, 0.1, 0.9, 3)
    assert fitness.weakest(whole | {"audit.by.kind.other.fpr": other}) == ""
    told = fitness.weakest(whole | {"audit.by.kind.other.fpr": other, "audit.by.kind.slip.fpr": slip})
    assert told == "Weakest at kind slip: 0.50 of its wrong answers are accepted (0.40 to 0.60)."
