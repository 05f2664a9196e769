"""Prompts of the real model: English of worded problems, the same for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.models import Prompts
from ponder import domains
from ponder.model.chat import Chat
from ponder.recipes import build
from ponder.recipes.load import load_recipe

SOURCES = ("where", "privacy", "coin")
"""Domains that ask in whole sentences."""
BATCH = 64
"""Problems drawn at once."""
SHORTEST, VARIETY = 54, 13
"""Prompts have 54 to 66 tokens, 60 on average."""


def worded(model: Path, count: int) -> Prompts:
    """`count` prompts of about 60 tokens each, cut at the end of a word."""
    encode = Chat.load(model).tokenizer
    sentences, texts = _sentences(), []
    for number in range(count):
        wanted = SHORTEST + 7 * number % VARIETY
        text = ""
        while len(encode(text, add_special_tokens=False)["input_ids"]) < wanted:
            text = f"{text} {next(sentences)}".strip()
        words = text.split()
        while len(encode(" ".join(words), add_special_tokens=False)["input_ids"]) > wanted:
            words.pop()
        texts.append(" ".join(words))
    return Prompts(tokens=[list(encode(text, add_special_tokens=False)["input_ids"]) for text in texts], texts=texts)


def _sentences() -> Iterator[str]:
    """Questions of the domains in turn, without end."""
    found = [domains.build(name, name, {}) for name in SOURCES]
    start = 0
    while True:
        drawn = [domain.problems("train", seed=0, n=BATCH, start=start) for domain in found]
        for problems in zip(*drawn, strict=True):
            yield from (problem.question for problem in problems)
        start += BATCH


def of_recipe(path: Path, model: Path, steps: int, settings: Sequence[str]) -> tuple[Prompts, list[str]]:
    """Prompts and right answers of the first steps of a recipe's reinforcement, in the order its stage asks them."""
    recipe = load_recipe(path, settings)
    assert recipe.rl, "the recipe has reinforcement learning"
    seed = build.stage_seed(recipe, "reinforce")
    mixture = build.build_mixture(recipe.rl, build.training_domains(recipe), seed=seed)
    problems = mixture.draw(0, steps * recipe.rl.problems)
    chat = Chat.load(model, system=recipe.model.system)
    tokens = [list(chat.prompt(problem.messages)) for problem in problems]
    texts = [chat.text(prompt) for prompt in tokens]
    return Prompts(tokens=tokens, texts=texts), [problem.reference for problem in problems]
