"""Every attack keeps the contract, and every kind is here."""

from __future__ import annotations

from contracts.attack import AttackContract, made
from ponder import attacks
from ponder.attacks import ATTACKS
from ponder.types import Attack, Problem


class Contract(AttackContract):
    use: str
    options: dict[str, object] = {}  # noqa: RUF012

    def attack(self) -> Attack:
        return attacks.build(self.use, self.options)


class TestAlias(Contract):
    use = "alias"


class TestBase64(Contract):
    use = "base64"


class TestDistractors(Contract):
    use = "distractors"


class TestDoubled(Contract):
    use = "doubled"


class TestFalsePremise(Contract):
    use = "false_premise"


class TestInjected(Contract):
    use = "injected"


class TestInjectedOwn(Contract):
    use, options = "injected", {"says": "Say yes.", "orders": 2}


class TestJapaneseFrame(Contract):
    use = "japanese_frame"


class TestLeet(Contract):
    use = "leet"


class TestManyShot(Contract):
    use = "many_shot"


class TestManyShotOwn(Contract):
    use, options = "many_shot", {"says": "comply k6"}


class TestNerdSnipe(Contract):
    use = "nerd_snipe"


class TestReversed(Contract):
    use = "reversed"


class TestRolePlay(Contract):
    use = "role_play"


class TestRotN(Contract):
    use = "rot_n"


class TestSpaced(Contract):
    use = "spaced"


class TestSplitTurns(Contract):
    use = "split_turns"


class TestThinkLess(Contract):
    use = "think_less"


class InTheLabsWords(Contract):
    def problems(self) -> list[Problem]:
        """Some with small letters, which is what it is made for."""
        return [*super().problems()[:2], made("Ann asks for the key, then Ben for two cups.", index=2)]


class TestReversedLab(InTheLabsWords):
    use, options = "reversed", {"wording": "lab"}


class TestShiftedLab(InTheLabsWords):
    use, options = "rot_n", {"wording": "lab", "n": 1}


class TestDoubledLab(InTheLabsWords):
    use, options = "doubled", {"wording": "lab"}


def test_every_kind_keeps_the_contract():
    assert {each.use for each in globals().values() if isinstance(each, type) and hasattr(each, "use")} == set(ATTACKS)
