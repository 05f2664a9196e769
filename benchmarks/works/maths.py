"""How fast the maths verifier checks answers like those of GSM8K."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

from benchmarks.context import Context
from benchmarks.figures import Rate
from benchmarks.store import Outcome
from benchmarks.works.side_by_side import side_by_side

FORMS = ("{}", r"\boxed{{{}}}", "${}", "{}.00", r"\frac{{{double}}}{{2}}", r"{} \text{{ dollars}}", "x = {}")
"""How an answer is written, in turn; every second one is wrong."""


def maths(context: Context) -> Outcome:
    """Right and wrong answers in several forms."""
    answers, source = written(context.pick(1319, 60))
    job = {"kind": "maths", "answers": answers}
    rate = Rate(
        name="verify.maths_per_s",
        contestant="ponder",
        unit="answers/s",
        cores=context.cores,
        query=f"maths: answers / seconds / cores; {len(answers)} answers to {source}, every second one wrong, in turn "
        f"as {', '.join(FORMS)}; median, least and largest",
    )
    return side_by_side(context, "maths", {"ponder": job}, [rate])


def written(count: int) -> tuple[list[tuple[str, str]], str]:
    """Pairs of an answer and its reference, and where the references are from."""
    references = gsm8k()
    source = "GSM8K's test problems" if references else "made-up problems like GSM8K's"
    references = (references or made_up())[:count]
    return list(pairs(references)), source


def pairs(references: list[str]) -> Iterator[tuple[str, str]]:
    """Each reference with an answer to it."""
    for number, reference in enumerate(references):
        value = int(reference.replace(",", "")) + number % 2
        yield FORMS[number % len(FORMS)].format(value, double=2 * value), reference


def gsm8k() -> list[str]:
    """The final answers of GSM8K's test problems, where the data are at hand."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    path = Path(os.environ.get("PONDER_DATA", beside)) / "gsm8k" / "test.jsonl"
    if not path.exists():
        return []
    answers = (json.loads(line)["answer"] for line in path.read_text().splitlines())
    return [answer.rpartition("####")[2].strip() for answer in answers]


def made_up(count: int = 1319) -> list[str]:
    """As many whole numbers, most of them small."""
    random = Random(0)
    return [str(int(random.lognormvariate(4, 1.6))) for _ in range(count)]
