"""A written spec becomes a reward: five lines of a recipe, and the gold verifier only watches.

python examples/pay_by_my_spec.py MODEL_FOLDER OUT_FOLDER
"""

import sys
import tomllib
from pathlib import Path
from statistics import fmean

from ponder.recipes.load import parse
from ponder.recipes.schema import Recipe
from ponder.recipes.train import train
from ponder.runs.table import read_rollouts
from ponder.types import Role

SPEC = """# How to answer

## short (must) Answer with one word, with nothing before it and nothing after it

## sure (should) Do not say that you are not sure
"""
RECIPE = """
[verifiers.mine]
spec = "SPEC"
max_tokens = 32

[rl]
paid_by = "mine"
watch = { on_alarm = "warn" }
domains = { where = 1 }
steps = 2
problems = 2
group_size = 4
max_tokens = 24
"""
"""Only the first three lines and `paid_by` are about the spec; a judge is the model that training begins with."""


def main(model: str, out: str) -> None:
    """Train two steps, then print what was paid, what gold says and why."""
    spec = Path(out).with_suffix(".md")
    spec.write_text(SPEC)
    values = tomllib.loads(RECIPE.replace("SPEC", str(spec)))
    values |= {"name": "mine", "model": {"name": model, "dtype": "float32"}, "domains": {"where": {"use": "where"}}}
    run = train(parse(Recipe, values, where="the recipe"), Path(out))
    rollouts = [rollout for file in sorted((run / "rollouts").glob("*.parquet")) for rollout in read_rollouts(file)]
    for rollout in rollouts[:3]:
        paid, gold = rollout.verdict(Role.PAY), rollout.verdict(Role.GOLD)
        if paid and gold:
            print(f"{rollout.completion.answer[:40]!r}: {paid.value} ({paid.explanation}); gold {gold.value}")
    print(f"mean reward {fmean(rollout.paid or 0.0 for rollout in rollouts):.2f} of {len(rollouts)} rollouts")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
