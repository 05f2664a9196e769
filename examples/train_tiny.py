"""A whole run without the command line: a recipe as a dictionary, a model folder, and the numbers it comes to.

python examples/train_tiny.py MODEL_FOLDER OUT_FOLDER
"""

import sys
from pathlib import Path

from ponder.recipes.load import parse
from ponder.recipes.schema import Recipe
from ponder.recipes.train import train
from ponder.report.page import write_report
from ponder.runs.result import read_result

RECIPE = {
    "name": "tiny",
    "domains": {"flips": {"use": "coin", "depth": 2}},
    "cold_start": {"domains": {"flips": 2, "where": 1}, "steps": 4, "batch": 4},
    "rl": {"domains": {"flips": 1}, "steps": 2, "problems": 2, "group_size": 4, "max_tokens": 16, "gold_pays": True},
    "measure": {"suite": "transfer", "problems": 2},
}
"""So little of everything that a tiny model is through in seconds, and learns nothing."""


def main(model: str, out: str) -> None:
    """Train, measure, write the report and print the accuracies of each tier."""
    values = RECIPE | {"model": {"name": model, "dtype": "float32"}}
    run = train(parse(Recipe, values, where="the recipe"), Path(out))
    for name, number in read_result(run).items():
        if name.count(".") == 2 and name.startswith("transfer."):
            print(f"{name:<36} {number.value:.2f} from {number.low} to {number.high}, n = {number.n}")
    print(f"report: {write_report(run)}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
