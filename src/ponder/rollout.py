"""Problems to completions to verdicts: where everything ponder does becomes rollouts.

This knows the protocols and nothing of who implements them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from random import Random
from threading import Thread

from ponder.model.chat import Chat
from ponder.model.corruption import corrupted
from ponder.types import (
    THINK_IN,
    Cell,
    Completion,
    Message,
    Mode,
    Outcome,
    Problem,
    Role,
    Rollout,
    Sample,
    Sampler,
    SamplingParams,
    Submission,
    Verdict,
    Verifier,
)

THINKING = (Mode.FREE, Mode.FORCED, Mode.FEWSHOT, Mode.CORRUPTED, Mode.TRANSLATED, Mode.BUDGET)
"""Modes in which the policy itself writes the thinking, so that it can be bounded."""
SHUT = (Mode.NONE, Mode.FILLER)
"""Modes whose block stands before the answer: another one is closed where it is opened."""
TOGETHER = 32
"""Completions that verifiers are asked about at once, so that one behind a network is not asked for each alone."""
PATIENCE = 2.0
"""Seconds that an error or Ctrl-C waits for the verifiers to come to an end."""

Place = tuple[int, int]
"""Index of a problem, and of one of its samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A verifier at work: what its verdicts are for."""

    verifier: Verifier
    """Who judges."""
    roles: tuple[Role, ...] = (Role.PAY,)
    """One verdict is recorded for each; several where, say, the recipe lets gold pay."""
    label: str = ""
    """Name on the verdicts; the verifier's own where it is empty."""


class Examiner:
    """Gives every completion its verdicts, by the checks of its problem's domain."""

    def __init__(self, checks: Mapping[str, Sequence[Check]]) -> None:
        """`checks`: by name of domain."""
        self.checks = checks

    def examine(self, problems: Sequence[Problem], completions: Sequence[Completion]) -> list[tuple[Verdict, ...]]:
        """All verdicts on each completion, in order; each verifier is asked once, for all it has to judge."""
        found: list[list[Verdict]] = [[] for _ in problems]
        for domain in dict.fromkeys(problem.domain for problem in problems):
            rows = [i for i, problem in enumerate(problems) if problem.domain == domain]
            for check in self.checks[domain]:
                verdicts = _judge(check, [problems[i] for i in rows], [completions[i] for i in rows])
                for i, verdict in zip(rows, verdicts, strict=True):
                    name = check.label or verdict.verifier
                    found[i] += [replace(verdict, role=role, verifier=name) for role in check.roles]
        return [tuple(verdicts) for verdicts in found]


def _judge(check: Check, problems: Sequence[Problem], completions: Sequence[Completion]) -> list[Verdict]:
    """Ask the verifier about what can be judged; the rest is the policy's fault and worth 0."""
    verifier, rows = check.verifier, [i for i, c in enumerate(completions) if _readable(c, check)]
    submissions = [
        Submission(
            problem=problems[i],
            answer=completions[i].answer,
            thinking=completions[i].thinking if verifier.reads_thinking else None,
        )
        for i in rows
    ]
    verdicts = dict(zip(rows, verifier.verify(submissions) if rows else [], strict=True))
    return [
        verdicts.get(i) or Verdict(verifier=verifier.name, value=0.0, explanation=completion.outcome)
        for i, completion in enumerate(completions)
    ]


def _readable(completion: Completion, check: Check) -> bool:
    """Whoever only watches may read what a truncated completion says; nobody pays for it."""
    if check.roles == (Role.WATCH,):
        return bool(completion.answer)
    return completion.outcome is Outcome.ANSWERED


class Desk:
    """Where completions are judged, in a thread of its own, while others are still being sampled.

    There is one thread, so no verifier is ever asked from two at once. An error or Ctrl-C drops what it has not begun.
    """

    def __init__(self, examiner: Examiner, problems: Sequence[Problem]) -> None:
        self._examiner, self._problems = examiner, problems
        self._waiting: dict[Place, Completion] = {}
        self._batches: SimpleQueue[dict[Place, Completion]] = SimpleQueue()
        self._verdicts: dict[Place, tuple[Verdict, ...]] = {}
        self._error: BaseException | None = None
        self._closed = False
        self._thread = Thread(target=self._work, name="verdicts", daemon=True)

    def __enter__(self) -> Desk:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._batches.put({})
        self._thread.join(PATIENCE)

    def take(self, place: Place, completion: Completion) -> None:
        """One more; verdicts are asked for when there are `TOGETHER`."""
        self._waiting[place] = completion
        if len(self._waiting) == TOGETHER:
            self._batches.put(self._waiting)
            self._waiting = {}

    def verdicts(self) -> dict[Place, tuple[Verdict, ...]]:
        """The verdicts on all that were taken, once they are there; raises what a verifier raised."""
        self._batches.put(self._waiting)
        self._batches.put({})
        self._thread.join()
        if self._error:
            raise self._error
        return self._verdicts

    def _work(self) -> None:
        """Judge batch after batch, until an empty one comes."""
        try:
            while (batch := self._batches.get()) and not self._closed:
                asked = [self._problems[i] for i, _ in batch]
                self._verdicts |= zip(batch, self._examiner.examine(asked, list(batch.values())), strict=True)
        except BaseException as error:  # raised again in the thread that asked
            self._error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One completion to be written."""

    prompt: tuple[int, ...]
    """Token ids to go on from."""
    stream: str
    """Name of its randomness."""
    begun: str = ""
    """Lines of thinking at the end of the prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How completions are written and read."""

    mode: str
    """How the policy is asked to think."""
    params: SamplingParams
    """How they are drawn."""
    version: int
    """Updates the policy has had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roller:
    """Makes rollouts."""

    sampler: Sampler
    """Who writes."""
    chat: Chat
    """How it is spoken to."""
    examiner: Examiner
    """Who judges."""
    seed: int
    """First part of every sample's stream."""
    top_p: float = 1.0
    """As in `SamplingParams`."""
    min_p: float = 0.0
    """As in `SamplingParams`."""
    stop: tuple[str, ...] = ()
    """As in `SamplingParams`."""
    heard: Callable[[], None] = lambda: None
    """Called for each completion as it is finished."""
    shown: Callable[[Problem], Problem] = lambda problem: problem
    """A problem as the policy reads it, and as its rollouts tell it: with a spec before it, say. Who judges reads it
    without."""

    def roll(
        self,
        problems: Sequence[Problem],
        cells: Sequence[Cell],
        *,
        group: int,
        stage: str,
        step: int = 0,
        version: int = 0,
    ) -> list[Rollout]:
        """`group` rollouts of each problem, a problem's side by side; `cells` go with the problems.

        All cells must agree in mode, budgets and temperature: they are sampled together.
        """
        samples = [range(group)] * len(problems)
        return self.roll_samples(problems, cells, samples, stage=stage, step=step, version=version)

    def roll_samples(
        self,
        problems: Sequence[Problem],
        cells: Sequence[Cell],
        samples: Sequence[Sequence[int]],
        *,
        stage: str,
        step: int = 0,
        version: int = 0,
    ) -> list[Rollout]:
        """As `roll`, but these samples of each problem: what sample 7 says hangs on no other being drawn with it."""
        cell = common_cell(cells)
        how = Manner(mode=cell.mode, params=self.params(cell), version=version)
        filler = cell.think_at_most or 0 if cell.mode == Mode.FILLER else 0
        shown = [self.shown(problem) for problem in problems]
        asked = [messages_of(problem, cell.mode) for problem in shown]
        prompts = [self.chat.prompt(messages, cell.mode, filler=filler) for messages in asked]
        asks = {
            (i, g): Ask(prompt=prompts[i], stream=stream_of(self.seed, stage, step, p, g))
            for i, p in enumerate(problems)
            for g in samples[i]
        }
        if cell.mode == Mode.CORRUPTED:
            asks = self._led_astray(asks, how)
        completions: dict[Place, Completion] = {}
        with Desk(self.examiner, problems) as desk:
            for place, completion in self._write(asks, how):
                self.heard()
                completions[place] = completion
                desk.take(place, completion)
            verdicts = desk.verdicts()
        return [
            Rollout(
                stage=stage,
                step=step,
                sample=g,
                cell=cells[i],
                problem=shown[i],
                completion=completions[i, g],
                verdicts=verdicts[i, g],
            )
            for i in range(len(problems))
            for g in samples[i]
        ]

    def _write(self, asks: Mapping[Place, Ask], how: Manner) -> Iterator[tuple[Place, Completion]]:
        """Completions as they are finished; a problem's that go on from one prompt are asked for together."""
        together: dict[tuple[int, tuple[int, ...]], list[Place]] = {}
        for place, ask in asks.items():
            together.setdefault((place[0], ask.prompt), []).append(place)
        prompts, places = [prompt for _, prompt in together], list(together.values())
        streams = [[asks[place].stream for place in each] for each in places]
        for sample in self.sampler.sample(prompts, how.params, streams):
            place = places[sample.prompt][sample.sample]
            yield place, self._read(sample, asks[place], how)

    def _read(self, sample: Sample, ask: Ask, how: Manner) -> Completion:
        return self.chat.parse(sample, ask.prompt, mode=how.mode, version=how.version, begun=ask.begun)

    def _led_astray(self, asks: Mapping[Place, Ask], how: Manner) -> dict[Place, Ask]:
        """Prompts with the policy's own thinking up to a line that is changed; whole where nothing can be."""
        first = {place: replace(ask, stream=f"{ask.stream}/first") for place, ask in asks.items()}
        found = {}
        for place, completion in self._write(first, how):
            ask, thinking = asks[place], completion.thinking or ""
            begun = corrupted(thinking, Random(ask.stream)) or thinking
            found[place] = replace(ask, prompt=self.chat.begun(ask.prompt, begun), begun=begun) if begun else ask
        return {place: found[place] for place in asks}

    def params(self, cell: Cell) -> SamplingParams:
        """How a rollout of this cell is drawn."""
        least, most = (0, 0) if cell.mode in SHUT else (cell.think_at_least, cell.think_at_most)
        bounded = cell.mode in (*THINKING, *SHUT) and (least > 0 or most is not None)
        limits = self.chat.limits(least, most, cell.mode) if bounded else None
        return SamplingParams(
            max_tokens=cell.budget,
            temperature=cell.temperature,
            top_p=self.top_p,
            min_p=self.min_p,
            stop=self.stop,
            thinking=limits,
        )


def messages_of(problem: Problem, mode: str) -> tuple[Message, ...]:
    """What the policy reads: the problem's messages, and in mode `translated` which language to think in."""
    if mode != Mode.TRANSLATED:
        return problem.messages
    other = next((said for language, said in THINK_IN.items() if language != problem.language), "")
    return problem.asking(f"{problem.messages[-1].content}\n{other}").messages


def stream_of(seed: int, stage: str, step: int, problem: Problem, sample: int) -> str:
    """Name of a sample's randomness: what it says hangs on nothing else."""
    return f"{seed}/{stage}/{step}/{problem.id}/{sample}"


def common_cell(cells: Sequence[Cell]) -> Cell:
    """One for all: cells that are sampled together agree in how."""
    settings = {(c.mode, c.budget, c.think_at_least, c.think_at_most, c.temperature) for c in cells}
    assert len(settings) == 1, "cells that are sampled together agree in mode, budgets and temperature"
    return cells[0]
