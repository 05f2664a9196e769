"""Sources of problems that ask for themselves, by kind: all but those that ask about another's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ponder.domains.everyday.chains import Chains
from ponder.domains.everyday.coin import Coin
from ponder.domains.everyday.privacy import Privacy
from ponder.domains.everyday.programs import Programs
from ponder.domains.everyday.where import Where
from ponder.domains.file import File
from ponder.domains.gym import Gym
from ponder.domains.lab import FAMILIES
from ponder.options import check_options, nearest
from ponder.types import Domain, PonderError

KINDS: dict[str, Callable[..., Domain]] = {
    "chains": Chains,
    "coin": Coin,
    "file": File,
    "gym": Gym,
    "privacy": Privacy,
    "programs": Programs,
    "where": Where,
    **{f"lab-{kind}": family for kind, family in FAMILIES.items()},
}
"""Each is called as `kind(name, **options)`."""


def build_from(kinds: Mapping[str, Callable[..., Domain]], name: str, use: str, options: Mapping[str, Any]) -> Domain:
    """The domain `name` of kind `use`; raises PonderError for a kind or an option that is not there."""
    if use not in kinds:
        raise PonderError(f"{name}.use = {use!r}: no such kind of domain; {nearest(use, kinds)}")
    check_options(name, kinds[use], options)
    return kinds[use](name, **options)
