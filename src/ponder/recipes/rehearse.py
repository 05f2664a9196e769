"""Finding out, before anything is written, whether a run has the problems that it needs, and sees none it must not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ponder.domains.splits import content_hash
from ponder.measure.suite import Suite, distinct, examples
from ponder.recipes.build import build_mixture, cold_start_steps, stage_seed
from ponder.recipes.distil_schema import DistilConfig
from ponder.recipes.schema import Recipe
from ponder.stages.cold_start import thinking_of
from ponder.stages.mixture import Mixture
from ponder.types import Domain, PonderError, Problem

SHOWN = 3
"""Problems that an error lists before it counts the rest."""

TOGETHER = 1000
"""Problems that are asked for at once where all of them are looked at."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a stage will ask its domains for."""

    mixture: Mixture
    """In which order."""
    steps: int
    """How often."""
    problems: int
    """How many each time."""

    @cached_property
    def counts(self) -> Counter[str]:
        """Problems that the whole stage asks of each domain."""
        return Counter(name for name, _ in self.mixture.turns(0, self.steps * self.problems))

    def asked(self, name: str, index: int) -> int:
        """Problems that step `index` asks of a domain."""
        return sum(other == name for other, _ in self.mixture.turns(index * self.problems, self.problems))


def rehearse(recipe: Recipe, found: Mapping[str, Domain], suite: Suite | None) -> None:
    """Ask each domain for the last problem of each stage, and for all that the suite measures; compare the two.

    Raises the PonderError that the run would otherwise meet on its way (a file with no problems to train on, a family
    too narrow for the suite, a domain without worked thinking in the cold start), or worse, would not meet: a problem
    that is measured and trained on too.
    """
    cold, rl = recipe.cold_start, recipe.rl
    needs = []
    if cold:
        mixture = build_mixture(cold, found, seed=stage_seed(recipe, "cold_start"))
        needs.append(Need(mixture=mixture, steps=cold_start_steps(cold, mixture), problems=cold.batch))
        for problem in mixture.fetch([(name, 0) for name in cold.domains if cold.worked]):
            thinking_of(found[problem.domain], problem)
    if recipe.distil:
        needs += distil_needs(recipe.distil, found, seed=stage_seed(recipe, "distil"))
    if rl:
        mixture = build_mixture(rl, found, seed=stage_seed(recipe, "reinforce"))
        needs.append(Need(mixture=mixture, steps=rl.steps, problems=rl.problems))
        check_no_repeats(needs[-1])
    for need in needs:
        endless = [name for name, size in need.mixture.sizes.items() if size is None and need.counts[name]]
        need.mixture.fetch([(name, need.counts[name] - 1) for name in endless])
    if suite:
        for domain in suite.with_examples.values():
            examples(domain, suite.shots, seed=suite.seed)
        check_apart(needs, suite)


def distil_needs(config: DistilConfig, found: Mapping[str, Domain], *, seed: int) -> list[Need]:
    """What is asked, and at most what is learned beside it, which has to have worked thinking."""
    mixture = build_mixture(config, found, seed=seed)
    needs = [Need(mixture=mixture, steps=config.asks, problems=config.problems)]
    if config.beside:
        beside = Mixture(found, config.beside, seed=seed)
        for problem in beside.fetch([(name, 0) for name in config.beside]):
            thinking_of(found[problem.domain], problem)
        needs.append(Need(mixture=beside, steps=config.steps, problems=config.batch))
    return needs


def check_no_repeats(need: Need) -> None:
    """Raise PonderError where a step of reinforcement may ask a problem twice; see `stages.mixture.order`."""
    for name, size in need.mixture.sizes.items():
        if size is None or need.problems <= (most := size // 2 + 1):
            continue
        asked = max(need.asked(name, index) for index in range(need.steps))
        if asked > most:
            raise PonderError(
                f"rl.problems = {need.problems}: a step may ask domain {name!r} for {asked} of its {size} training "
                f"problems and meet one twice; ask for fewer, so that it is at most {most} of them"
            )


def check_apart(needs: Sequence[Need], suite: Suite) -> None:
    """Raise PonderError, with the first few, for problems that are both measured and trained on."""
    found = overlaps(trained(needs, suite), measured(suite))
    if not found:
        return
    listed = [f"{_clipped(one.question)} ({_origin(other)}, {_origin(one)})" for other, one in found[:SHOWN]]
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    raise PonderError(
        f"measure.suite = {suite.name!r}: training sees {len(found)} of what it measures: {', '.join(listed + more)}; "
        "take them out of one of the two"
    )


def overlaps(trained: Iterable[Problem], measured: Iterable[Problem]) -> list[tuple[Problem, Problem]]:
    """Pairs (trained, measured) of the same content, one for each content, in the order of `measured`.

    Content is the question with its white space normalised, letter case and punctuation as they are: what a domain's
    splits go by. A paraphrase, or the same question with another number, is another content.
    """
    unseen = {}
    for problem in measured:
        unseen.setdefault(content_hash(problem.question), problem)
    met = {}
    for problem in trained:
        content = content_hash(problem.question)
        if content in unseen:
            met.setdefault(content, problem)
    return [(met[content], problem) for content, problem in unseen.items() if content in met]


def trained(needs: Sequence[Need], suite: Suite) -> Iterator[Problem]:
    """Every problem that training can see, and those that few-shot prompts show.

    Of a domain of finite size its whole train split, and of one without end what the steps will ask of it: that costs
    as much as it costs the run. It is left out where everything measured is without end too: all domains of that kind
    take their splits from one hash of the content (`domains.splits.split_of`).
    """
    for domain in suite.with_examples.values():
        yield from distinct(domain, suite.shots, seed=suite.seed, split="train")
    finite = any(domain.size("test") is not None for domain in suite.domains.values())
    for need in needs:
        for name, count in need.counts.items():
            size = need.mixture.sizes[name]
            if size is not None or finite:
                yield from _all(need.mixture.domains[name], "train", seed=need.mixture.seed, n=size or count)


def measured(suite: Suite) -> Iterator[Problem]:
    """Every problem that the suite asks; of a domain of finite size its whole validation and test splits besides.

    Raises PonderError for a domain that has too few.
    """
    for domain in suite.domains.values():
        yield from suite.asked(domain)
        for split in ("validation", "test"):
            yield from _all(domain, split, seed=suite.seed, n=domain.size(split) or 0)


def _all(domain: Domain, split: str, *, seed: int, n: int) -> Iterator[Problem]:
    for start in range(0, n, TOGETHER):
        yield from domain.problems(split, seed=seed, n=min(TOGETHER, n - start), start=start)


def _origin(problem: Problem) -> str:
    return f"{problem.domain}/{problem.split}"


def _clipped(question: str, most: int = 60) -> str:
    text = " ".join(question.split())
    return repr(text if len(text) <= most else f"{text[:most]}…")
