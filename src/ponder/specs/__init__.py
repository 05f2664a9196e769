"""Written rules that a model can be judged by: specs and rubrics in Markdown, some of which ship with ponder."""

from ponder.specs.labelled import Labelled, read_labelled
from ponder.specs.load import load, shipped
from ponder.specs.parse import parse
from ponder.specs.records import Clause, Example, Spec
from ponder.specs.score import score
from ponder.specs.words import WEIGHTS, Level

__all__ = [
    "WEIGHTS",
    "Clause",
    "Example",
    "Labelled",
    "Level",
    "Spec",
    "load",
    "parse",
    "read_labelled",
    "score",
    "shipped",
]
