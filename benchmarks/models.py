"""Random Llamas of any size, in transformers' layout, with a tokenizer of plain words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from ponder.model.fresh import Shape, initial_weights

CONTEXT = 2048
"""Longest text, in tokens."""
END = "<end>"
"""Ends a turn; token 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Shape of a random Llama."""

    layers: int
    """Blocks."""
    hidden: int
    """Width; four times that within the feed-forward."""
    heads: int
    """Query heads, and as many of keys."""
    vocabulary: int
    """Words."""


SIZES: dict[str, Size] = {
    "tiny": Size(layers=2, hidden=64, heads=2, vocabulary=2000),
    "2M": Size(layers=4, hidden=192, heads=4, vocabulary=2000),
    "4M": Size(layers=4, hidden=256, heads=4, vocabulary=2000),
    "30M": Size(layers=8, hidden=512, heads=8, vocabulary=8000),
}
"""By name, which is about the number of weights."""


def random_llama(folder: Path, size: Size, *, seed: int = 0) -> Path:
    """The folder of a random model; made once."""
    if not (folder / "config.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer_of(size.vocabulary).save_pretrained(folder)
        shape = Shape(layers=size.layers, hidden=size.hidden, heads=size.heads, inner=4 * size.hidden, context=CONTEXT)
        config = shape.config(size.vocabulary)
        save_file(initial_weights(config, seed), folder / "model.safetensors", metadata={"format": "pt"})
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def tokenizer_of(vocabulary: int) -> PreTrainedTokenizerFast:
    """One token a word: `w1`, `w2`, ..."""
    words = {END: 0} | {f"w{number}": number for number in range(1, vocabulary)}
    raw = Tokenizer(models.WordLevel(words, unk_token=END))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=END, pad_token=END, unk_token=END)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """What is asked, as tokens and as texts that become the same tokens."""

    tokens: list[list[int]]
    """One list of ids a prompt."""
    texts: list[str]
    """One text a prompt."""

    @property
    def positions(self) -> int:
        """Tokens of all prompts."""
        return sum(map(len, self.tokens))


def random_words(size: Size, *, prompts: int, length: int, seed: int = 0) -> Prompts:
    """Prompts of random words for a random Llama."""
    random = Random(seed)
    tokens = [[random.randrange(1, size.vocabulary) for _ in range(length)] for _ in range(prompts)]
    return Prompts(tokens=tokens, texts=[" ".join(f"w{token}" for token in prompt) for prompt in tokens])
