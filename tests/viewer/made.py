"""Runs made up for the viewer: groups of training, the same problems measured, hostile texts; and a way to fetch."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

from ponder.runs.folder import Run
from ponder.runs.table import write_rollouts
from ponder.types import Cell, Completion, Message, Outcome, Problem, Role, Rollout, Status, Verdict
from ponder.viewer.server import Server, serving

MANIFEST = {"recipe": {"name": "made", "model": {"name": "tiny"}}, "seeds": {"recipe": 1}, "versions": {}}
HOSTILE = [
    "<script>alert(1)</script>",
    "</pre></article><img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a><svg onload=alert(1)>',
    "</title></style><style>body{display:none}</style><meta http-equiv=refresh content='0;url=//x'>",
    "'\"><iframe srcdoc='<script>1</script>'></iframe><base href=//x><form action=//x>",
    "<input name=q autofocus onfocus=alert(1)><object data=//x></object><link rel=stylesheet href=//x>",
    "\x00\x1b[2J\u202egnp.exe\u2066 {style} %s {0} ${text} %00 \ufffe",
    "x" * 1_000_000,
]
"""Texts that want to be more than text."""


def rollout(
    step: int = 0,
    sample: int = 0,
    *,
    problem: str = "sums/train/0/1",
    paid: float | None = 1.0,
    gold: float | None = None,
    text: str = "",
    cell: Cell | None = None,
    version: int | None = None,
    outcome: Outcome = Outcome.ANSWERED,
    pair: str | None = None,
    tokens: Sequence[int] = (1, 2, 3),
) -> Rollout:
    """One rollout of training, unless the cell says otherwise; every text of it holds `text`."""
    fate = Status.TIMEOUT if paid is None else Status.JUDGED
    pay = Verdict(
        verifier="judge", value=paid, status=fate, explanation=f"rule §1: {text or 'fine'}", parts={"§1": 0.5}
    )
    ground = () if gold is None else (Verdict(verifier="number", value=gold, role=Role.GOLD),)
    where = cell or Cell(checkpoint="reinforce", domain="sums", split="train", budget=64)
    return Rollout(
        stage="reinforce",
        step=step,
        sample=sample,
        cell=where,
        problem=Problem(
            id=problem,
            domain=where.domain,
            split=where.split,
            language=where.language,
            messages=(Message(role="system", content="Think."), Message(role="user", content=f"What is 3 + 4? {text}")),
            reference=text or "7",
            pair_id=pair,
        ),
        completion=Completion(
            prompt=(1,),
            tokens=tuple(tokens),
            logprobs=(-0.01, -1.0, -3.0, *(-9.0 for _ in tokens[3:]))[: len(tokens)],
            policy_version=step if version is None else version,
            thinking=f"3 and 4 are seven, step {step}. {text}",
            thinking_tokens=step + sample,
            answer=text or str(7 + sample),
            outcome=outcome,
        ),
        verdicts=(pay, *ground),
    )


def measured(checkpoint: str, **changes: str | float) -> Cell:
    """The cell of a measurement."""
    cell = Cell(checkpoint=checkpoint, domain="sums", split="test", tier="trained", budget=64)
    return replace(cell, **changes)


def write(folder: Path, *, steps: int = 3, group: int = 4, manifest: dict | None = None) -> Path:
    """A run: `steps` steps of two groups; one problem measured before and after, attacked, and in Japanese."""
    with Run.create(folder, manifest or MANIFEST) as run:
        for step in range(steps):
            write_step(run, step, group=group)
            run.log_metrics("reinforce", step, {"reward": step / 10, "thinking_tokens": 3.0 + step})
        for name, version in {"before": 0, "after": steps}.items():
            write_rollouts(run.measured_file(name), _asked_everywhere(name, version), run=run.name)
    return folder


def write_step(run: Run, step: int, *, group: int = 4) -> None:
    """The rollouts of one step: in the first group who is paid is not right by gold, and the last is truncated."""
    rows = []
    for sample in range(group):
        last = sample == group - 1
        outcome = Outcome.TRUNCATED if last else Outcome.ANSWERED
        rows.append(rollout(step, sample, problem=f"sums/train/0/{step}", gold=0.0, outcome=outcome))
        rows.append(rollout(step, sample, problem=f"sums/train/1/{step}", paid=None if last else 0.25, gold=0.0))
    write_rollouts(run.rollouts_file("reinforce", step), rows, run=run.name)


def _asked_everywhere(name: str, version: int) -> list[Rollout]:
    cells = {
        "sums/test/0/1": measured(name),
        "summe/test/0/1": measured(name, language="ja", domain="sums-ja"),
        "sums/test/0/1 ": measured(name, attack="noise", strength=0.5),
    }
    return [
        rollout(0, 0, problem=problem.strip(), cell=cell, version=version, pair="item-1", text=f"in {cell.language}")
        for problem, cell in cells.items()
    ]


def write_hostile(folder: Path) -> Path:
    """A run in which everything that can be text is hostile."""
    evil = MANIFEST | {"recipe": {"name": HOSTILE[0], "model": {"name": HOSTILE[1]}}, "status": HOSTILE[2]}
    with Run.create(folder, evil) as run:
        rows = [
            rollout(0, index, problem=text[:300], text=text, pair=text[:200], cell=_evil_cell(text[:120]))
            for index, text in enumerate(HOSTILE)
        ]
        write_rollouts(run.rollouts_file("reinforce", 0), rows, run=HOSTILE[0])
    return folder


def _evil_cell(text: str) -> Cell:
    return Cell(
        checkpoint=text, domain=text, split=text, tier=text, language=text, attack=text, strength=0.5, mode=text
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a server answered."""

    status: int
    """Of HTTP."""
    headers: dict[str, str]
    """By name, in small letters."""
    text: str
    """The body."""

    def links(self, part: str) -> list[str]:
        """Addresses on the page that hold this."""
        found = re.findall(r'href="([^"]*)"', self.text)
        return [address.replace("&amp;", "&") for address in found if part in address]


def fetch(address: str, *, method: str = "GET", **headers: str) -> Page:
    """Ask a server, and take refusals as answers."""
    request = urllib.request.Request(address, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Page(status=answer.status, headers=_small(answer.headers), text=answer.read().decode())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Page(status=refusal.code, headers=_small(refusal.headers), text=refusal.read().decode())


def _small(headers: object) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """A server of this run, which has read all of it."""
    with serving(folder) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        server.site.index.first.wait(30)
        while server.site.index.reading:
            server.site.index.first.wait(0.05)
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
