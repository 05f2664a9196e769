"""A whole run in a second: a tiny model learns to answer `a` or `b`, and is paid for `a`."""

from __future__ import annotations

import json
from pathlib import Path

QUESTIONS = 600

RECIPE = """
name = "small"
seed = 3
checkpoint_every = 3
[model]
name = {model}
dtype = "float32"
[domains.letters]
use = "file"
path = {data}
[cold_start]
domains = {{ letters = 1 }}
steps = {cold}
batch = 8
worked = 0.0
learning_rate = 1e-2
[rl]
domains = {{ letters = 1 }}
steps = {rl}
problems = 4
group_size = 4
max_tokens = 4
learning_rate = 1e-3
gold_pays = true
[measure]
suite = {suite}
"""

SUITE = """
name = "few"
problems = 4
max_tokens = 6
shots = 2
[domains.letters]
use = "file"
path = {data}
[domains.coin]
use = "coin"
[domains.where]
use = "where"
"""


def write_small(folder: Path, model: Path, *, cold: int = 20, rl: int = 6) -> Path:
    """A recipe for that model, its suite and its data in `folder`; returns the recipe's path."""
    folder.mkdir(parents=True, exist_ok=True)
    data, suite, recipe = folder / "letters.jsonl", folder / "few.toml", folder / "small.toml"
    rows = ({"question": f"item {i}", "answer": "ab"[i % 2]} for i in range(QUESTIONS))
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    quoted = {"model": json.dumps(str(model)), "data": json.dumps(str(data)), "suite": json.dumps(str(suite))}
    suite.write_text(SUITE.format(**quoted))
    recipe.write_text(RECIPE.format(**quoted, cold=cold, rl=rl))
    return recipe
