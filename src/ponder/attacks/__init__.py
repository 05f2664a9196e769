"""How questions are made hostile, by kind: `build` makes an attack from what a suite says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ponder.attacks.alias import Alias
from ponder.attacks.base64 import Base64
from ponder.attacks.distractors import Distractors
from ponder.attacks.doubled import Doubled
from ponder.attacks.false_premise import FalsePremise
from ponder.attacks.injected import Injected
from ponder.attacks.japanese_frame import JapaneseFrame
from ponder.attacks.leet import Leet
from ponder.attacks.many_shot import ManyShot
from ponder.attacks.nerd_snipe import NerdSnipe
from ponder.attacks.reversed import Reversed
from ponder.attacks.role_play import RolePlay
from ponder.attacks.rot_n import RotN
from ponder.attacks.spaced import Spaced
from ponder.attacks.split_turns import SplitTurns
from ponder.attacks.think_less import ThinkLess
from ponder.options import check_options, nearest
from ponder.types import Attack, PonderError

ATTACKS: dict[str, Callable[..., Attack]] = {
    "alias": Alias,
    "base64": Base64,
    "distractors": Distractors,
    "doubled": Doubled,
    "false_premise": FalsePremise,
    "injected": Injected,
    "japanese_frame": JapaneseFrame,
    "leet": Leet,
    "many_shot": ManyShot,
    "nerd_snipe": NerdSnipe,
    "reversed": Reversed,
    "role_play": RolePlay,
    "rot_n": RotN,
    "spaced": Spaced,
    "split_turns": SplitTurns,
    "think_less": ThinkLess,
}
"""Every kind of attack; each is called as `kind(name=name, **options)`."""


def build(use: str, options: Mapping[str, Any], *, name: str | None = None) -> Attack:
    """The attack of kind `use`, called `name`, or else by its kind; PonderError for what is not there or cannot be."""
    name = name or use
    if use not in ATTACKS:
        raise PonderError(f"{name}.use = {use!r}: no such attack; {nearest(use, ATTACKS)}")
    check_options(name, ATTACKS[use], options)
    return ATTACKS[use](name=name, **options)
