"""`python -m ponder.domains.gym.child`: problems for a parent whose hashing is random; pickles in, pickles out."""

from __future__ import annotations

import pickle
import sys

from ponder.domains.gym.domain import Gym
from ponder.types import PonderError


def main() -> None:
    """Read (name, options, call) from standard input and write the problems, or the user's mistake."""
    assert not sys.flags.hash_randomization, "the child needs PYTHONHASHSEED=0, or it would start children for ever"
    out, sys.stdout = sys.stdout.buffer, sys.stderr
    name, options, call = pickle.load(sys.stdin.buffer)
    try:
        found: object = Gym(name, **options).problems(call.pop("split"), **call)
    except PonderError as mistake:
        found = mistake
    pickle.dump(found, out)


if __name__ == "__main__":
    main()
