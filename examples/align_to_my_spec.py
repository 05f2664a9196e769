"""Rules of one's own are learned by reasoning over them, and asked for without them; change SPEC and run again.

python examples/align_to_my_spec.py OUT_FOLDER
"""

import sys
import tomllib
from pathlib import Path

from ponder.recipes.load import parse
from ponder.recipes.schema import Recipe
from ponder.recipes.train import train
from ponder.runs.table import read_rollouts
from ponder.types import Role

SPEC = """# Rules of my shop

The answer is comply, refuse or part (comply in part), and the clause that decides: refuse k2.

Of those that hold the first decides, or one above it.

## k1 (must) If it is blue, refuse, except for a guest.

## k2 (must) If staff asks, comply in part.

## k3 (must) If it is sealed, comply.

## k4 (must) If a member asks, refuse.

## k5 (must) If it is red, comply, above k2.

## k6 (must) If a guest asks, comply in part.
"""
"""The lab's clerk follows six rules of this kind when it is told them; here it learns these by heart."""


def main(out: str) -> None:
    """Learn from what a judge that holds the rules keeps, then print what is said of requests without them."""
    spec, recipe = Path(out).with_suffix(".md"), Path(__file__).parents[1] / "recipes" / "align-lab.toml"
    spec.write_text(SPEC)
    values = tomllib.loads(recipe.read_text()) | {"spec": str(spec)}
    del values["measure"]  # its suite asks about the lab's house rules
    values["distil"] |= {"asks": 8, "steps": 60}
    values["rl"] |= {"steps": 8}  # two or three minutes; as the recipe says it takes longer, and learns more
    run = train(parse(Recipe, values, where=str(recipe)), Path(out))
    asked = [rollout for file in sorted((run / "rollouts").glob("reinforce-*")) for rollout in read_rollouts(file)]
    for rollout in asked[-24::8]:
        print(rollout.problem.question, "->", rollout.completion.answer)
        print(*(rollout.completion.thinking or "").splitlines(), sep="\n  ")
    for name, part in (("after distillation", asked[:128]), ("after reinforcement", asked[-128:])):
        paid = [verdict.value or 0.0 for rollout in part if (verdict := rollout.verdict(Role.PAY))]
        print(f"{name} the judge finds {sum(paid) / len(paid):.2f} of them right")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
