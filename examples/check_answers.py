"""Who checks an answer, and what it goes by: each verdict names the rule that found the answer.

python examples/check_answers.py
"""

from ponder import verifiers
from ponder.types import Message, Problem, Submission

CASES = [
    ("number", "42", "42"),
    ("number", "42", "It is <answer>42.0</answer>, I am sure."),
    ("number", "42", "Perhaps 41 or 42."),
    ("maths", "1/2", "\\boxed{\\frac{2}{4}}"),
    ("maths", "(x+1)^2", "\\boxed{x^2+2x+1}"),
    ("exact", "Paris", "Paris"),
    ("exact", "Paris", "The answer is Paris."),
]
"""Verifier, reference, answer."""


def main() -> None:
    """Judge every case twice: as training pays it, and as a lenient reader would."""
    for name, reference, answer in CASES:
        question = Message(role="user", content="?")
        problem = Problem(id="example", domain="example", split="test", messages=(question,), reference=reference)
        print(f"{name}: {answer!r}, where {reference!r} is right")
        for lenient in (False, True):
            verifier = verifiers.build(name, {"lenient": lenient})
            verdict = verifier.verify([Submission(problem=problem, answer=answer)])[0]
            print(f"  {'lenient' if lenient else 'strict ':<8} {verdict.value}  {verdict.explanation}")


if __name__ == "__main__":
    main()
