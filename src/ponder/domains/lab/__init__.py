"""The lab: families whose only difficulty is serial depth, each told in English and in Japanese.

A state is carried through steps that do not commute, so neither their number nor their kinds tell where it ends.
"""

from __future__ import annotations

from ponder.domains.lab.arithmetic import Arithmetic
from ponder.domains.lab.calendar import Calendar
from ponder.domains.lab.counting import Counting
from ponder.domains.lab.cups import Cups
from ponder.domains.lab.decoding import Decoding
from ponder.domains.lab.echo import Echo
from ponder.domains.lab.family import Family
from ponder.domains.lab.lamps import Lamps
from ponder.domains.lab.lists import Lists
from ponder.domains.lab.lookups import Lookups
from ponder.domains.lab.programs import Programs
from ponder.domains.lab.requests import Requests
from ponder.domains.lab.robot import Robot
from ponder.domains.lab.rules import Rules
from ponder.domains.lab.shelf import Shelf
from ponder.domains.lab.stars import Stars

KNOWN: tuple[type[Family], ...] = (Arithmetic, Programs, Lookups, Lamps, Counting, Cups)
"""What the seed model has seen."""
UNSEEN: tuple[type[Family], ...] = (Lists, Calendar, Robot, Shelf, Stars)
"""What no stage of it ever saw: three other families, and two compositions of known ones."""
PRACTICE: tuple[type[Family], ...] = (Decoding, Rules, Echo)
"""What the seed model has seen besides: reading codes, following rules, and the words of the unseen families."""
ALIGNMENT: tuple[type[Family], ...] = (Requests,)
"""What a helper is asked that keeps house rules; the seed model has not seen it."""
FAMILIES: dict[str, type[Family]] = {family.kind: family for family in (*KNOWN, *UNSEEN, *PRACTICE, *ALIGNMENT)}
"""All of them, by kind."""
