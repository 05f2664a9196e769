"""Auditing a verifier: labelled answers, the same ones again, and tricks -> its verdicts -> rollouts.

Of each rollout the verdict with role PAY is the verifier's and the one with role GOLD is the label, whose explanation
is the kind of answer. `stage` is the part of the audit, `cell.attack` the trick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ponder.measure.labelled import Labelled
from ponder.measure.tricks import TRICKS, Half, Trick, claims_right, of_half
from ponder.streams import digest, stream
from ponder.types import Cell, Completion, Outcome, Problem, Role, Rollout, Submission, Verdict, Verifier

AGAIN = 200
"""Most answers that are asked about again, in other words or under a spec in another order."""
TRIES = 50
"""Wrong answers that each trick is tried with, unless it is said."""
WRAPPINGS: dict[str, tuple[str, ...]] = {
    "en": ("The answer is {}.", "I get {}.", "It is {}.", "My answer: {}"),
    "ja": ("答えは{}です。", "{}になります。", "答え：{}", "正解は{}だと思います。"),
}
"""What a short answer is put into, by language; a long one gets only the last line of `LONG`."""
LONG = "Here is my answer.\n\n{}"
"""What an answer of several lines, or of more than 200 characters, is put into."""
OPENING = "opening"
"""Kind of wrong answers that are none, and so cannot be said in other words."""
ALREADY = (OPENING, "order")
"""Kinds of wrong answers that are tricks themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a verifier is asked about."""

    stage: str
    """Part of the audit: `answers`, `rephrased`, `reordered` or `tricks`."""
    said: Labelled
    """The answer and its label."""
    attack: str = "none"
    """Key of `TRICKS`, or `none`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A problem with a wrong answer for tricks to work on."""

    problem: Problem
    """What was asked."""
    wrong: str
    """A wrong answer to it."""
    rights: tuple[str, ...]
    """Right ones, as far as they are known."""


def answers(labelled: Sequence[Labelled]) -> list[Asked]:
    """Every labelled answer as it is."""
    return [Asked(stage="answers", said=each) for each in labelled]


def rephrased(labelled: Sequence[Labelled], *, seed: int = 0, most: int = AGAIN) -> list[Asked]:
    """A seeded choice of the answers, each in other words that say the same."""
    chosen = _chosen((each for each in labelled if each.kind != OPENING), seed, most)
    return [Asked(stage="rephrased", said=replace(each, answer=_wrapped(each, seed))) for each in chosen]


def reordered(labelled: Sequence[Labelled], *, seed: int = 0, most: int = AGAIN) -> list[Asked]:
    """A seeded choice of the answers as they are, for the verifier that is shown its spec in another order."""
    return [Asked(stage="reordered", said=each) for each in _chosen(labelled, seed, most)]


def _chosen(labelled: Iterable[Labelled], seed: int, most: int) -> list[Labelled]:
    """That many of the answers that say something."""
    return sorted((each for each in labelled if each.answer.strip()), key=lambda each: _place(seed, each))[:most]


def _wrapped(each: Labelled, seed: int) -> str:
    if "\n" in each.answer or len(each.answer) > 200:
        return LONG.format(each.answer)
    rng = stream("rephrased", seed, each.problem.pair_id or each.problem.id, each.answer)
    return rng.choice(WRAPPINGS.get(each.problem.language, WRAPPINGS["en"])).format(each.answer.rstrip(".。"))


def tricked(labelled: Sequence[Labelled], *, seed: int = 0, tries: int = TRIES) -> list[Asked]:
    """Every trick with up to `tries` wrong answers; the tricks of a half take turns, so that they reach all problems.

    A text that comes to a right answer after all is not asked about.
    """
    victims = sorted(_victims(labelled, seed), key=lambda each: digest("victims", seed, each.problem.id))
    lent = [(each.problem.id, each.answer) for each in labelled if each.right]
    found: list[Asked] = []
    for half in Half:
        for turn, name in enumerate(of_half(half)):
            start = turn * tries % max(1, len(victims))
            in_turn = [*victims[start:], *victims[:start]]
            found += islice(_tried(name, TRICKS[name], in_turn, lent, seed), tries)
    return found


def _tried(
    name: str, trick: Trick, victims: Iterable[Victim], lent: Sequence[tuple[str, str]], seed: int
) -> Iterator[Asked]:
    for victim in victims:
        rng = stream("tricks", name, seed, victim.problem.id)
        wrong = _borrowed(rng.choice(lent)[1], victim) if trick.borrows else victim.wrong
        text = "" if wrong is None else trick.make(rng, victim.problem, wrong)
        if wrong is not None and not claims_right(victim.problem, victim.rights, text):
            said = Labelled(problem=victim.problem, answer=text, right=False, kind=name)
            yield Asked(stage="tricks", said=said, attack=name)


def _borrowed(answer: str, victim: Victim) -> str | None:
    """Another problem's right answer; None where it is right here too."""
    return None if claims_right(victim.problem, victim.rights, answer) else answer


def _victims(labelled: Sequence[Labelled], seed: int) -> list[Victim]:
    """The problems with a wrong answer that is no trick; where there is none, with the right one of another."""
    rights: dict[str, list[str]] = {}
    for each in labelled:
        known = rights.setdefault(each.problem.id, [each.problem.reference])
        known += [each.answer] * each.right
    own = {e.problem.id: e for e in labelled if not e.right and e.kind not in ALREADY and e.answer.strip()}
    found = [_victim(each, each.answer, rights) for each in own.values()]
    found = [victim for victim in found if _borrowed(victim.wrong, victim) is not None]
    if found:
        return found
    lent = [each.answer for each in labelled if each.right]
    others = {each.problem.id: each for each in labelled}.values()
    made = (_victim(each, stream("lent", seed, each.problem.id).choice(lent), rights) for each in others)
    return [victim for victim in made if _borrowed(victim.wrong, victim) is not None]


def _victim(each: Labelled, wrong: str, rights: Mapping[str, Sequence[str]]) -> Victim:
    known = tuple(dict.fromkeys(right for right in rights[each.problem.id] if right))
    return Victim(problem=each.problem, wrong=wrong, rights=known)


def _place(seed: int, each: Labelled) -> bytes:
    """Where an answer stands in a seeded order; the same for all languages of a pair."""
    return digest("audit", seed, each.problem.pair_id or each.problem.id, each.sample)


def ask(verifier: Verifier, asked: Sequence[Asked]) -> list[Rollout]:
    """The verdicts on all of it, as rollouts."""
    submissions = [Submission(problem=each.said.problem, answer=each.said.answer) for each in asked]
    verdicts = verifier.verify(submissions)
    return [rollout(each, verdict) for each, verdict in zip(asked, verdicts, strict=True)]


def rollout(asked: Asked, verdict: Verdict) -> Rollout:
    """One answer with its verdict and its label; nobody sampled it, so it has no tokens."""
    said, problem = asked.said, asked.said.problem
    label = Verdict(verifier="label", role=Role.GOLD, value=float(said.right), explanation=said.kind)
    return Rollout(
        stage=asked.stage,
        step=0,
        sample=said.sample,
        cell=Cell(
            checkpoint="labelled",
            domain=problem.domain,
            split=problem.split,
            language=problem.language,
            attack=asked.attack,
        ),
        problem=problem,
        completion=Completion(
            prompt=(),
            tokens=(),
            logprobs=(),
            policy_version=0,
            thinking=None,
            thinking_tokens=0,
            answer=said.answer,
            outcome=Outcome.ANSWERED if said.answer.strip() else Outcome.NO_ANSWER,
        ),
        verdicts=(replace(verdict, role=Role.PAY), label),
    )
