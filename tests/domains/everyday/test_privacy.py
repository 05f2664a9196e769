import re

from contracts.domain import DomainContract
from ponder.domains.everyday.privacy import Privacy


class TestPrivacy(DomainContract):
    def domain(self) -> Privacy:
        return Privacy("privacy", depth=(1, 2))


def test_the_answer_follows_the_look_ups():
    for problem in Privacy("privacy", depth=(1, 4)).problems("train", seed=0, n=200):
        links = dict(re.findall(r"(\w+) is (?:like )?(\w+)\.", problem.question.lower()))
        (fact,) = re.findall(r"tell the (\w+)\?", problem.question)
        steps = 0
        while fact in links:
            fact, steps = links[fact], steps + 1
        assert problem.reference == {"public": "yes", "private": "no"}[fact]
        assert problem.difficulty == steps - 1


def test_the_order_of_the_marks_does_not_give_it_away():
    problems = Privacy("privacy", depth=2).problems("train", seed=0, n=1000)
    yes = [p.reference == "yes" for p in problems]
    last = [(re.findall(r"public|private", p.question)[-1] == "public") == (p.reference == "yes") for p in problems]
    assert all(430 < sum(cue) < 570 for cue in (yes, last))
