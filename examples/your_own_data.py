"""Your own questions as a domain: a file, a field map, and who checks the answers.

    python examples/your_own_data.py

In a recipe the same domain is
    [domains.capitals]
    use = "file"
    path = "capitals.jsonl"
    fields = { question = "ask", answer = "capital" }
    verifier_options = { casefold = true }
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from ponder import domains, verifiers
from ponder.types import Submission

CAPITALS = {"France": "Paris", "Japan": "Tokyo", "Kenya": "Nairobi", "Peru": "Lima", "Norway": "Oslo", "Egypt": "Cairo"}


def main() -> None:
    """Write a file, read it as a domain, and have two answers to each problem checked."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "capitals.jsonl")
        rows = [{"ask": f"What is the capital of {land}?", "capital": city} for land, city in CAPITALS.items()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        options = {
            "path": str(path),
            "fields": {"question": "ask", "answer": "capital"},
            "split": "test",
            "verifier_options": {"casefold": True},
        }
        capitals = domains.build("capitals", "file", options)
    verifier = verifiers.build(capitals.verifier.name, capitals.verifier.options)
    for problem in capitals.problems("test", seed=1, n=3):
        print(f"{problem.id}: {problem.question}")
        for answer in (problem.reference.upper(), "Atlantis"):
            verdict = verifier.verify([Submission(problem=problem, answer=answer)])[0]
            print(f"  {answer}: {verdict.value} ({verdict.explanation})")


if __name__ == "__main__":
    main()
