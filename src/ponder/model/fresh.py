"""Untrained Llamas of any size, with a tokenizer made of given texts; folders in transformers' layout.

Shapes: D hidden size.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from ponder.model.config import DecoderConfig
from ponder.model.decoder import Decoder
from ponder.types import PonderError

END = "<|end|>"
"""Ends a turn; token 0."""
ROLES = ("system", "user", "assistant")
"""Who speaks."""
MARKS = (END, *(f"<|{role}|>" for role in ROLES))
"""Of the template: special tokens, the first ones of the vocabulary."""
THINKING = ("<think>", "</think>")
"""Marks of a thinking block, a token each."""
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
PIECES = r" ?\d| ?[A-Za-z]+| ?\p{Han}+| ?\p{Hiragana}+| ?[\p{Katakana}ー]+| ?[^\s\p{L}\d]| ?\p{L}+|\s+"
"""What no token reaches beyond: a digit, a word, a run of one script, a sign, each with the space before it."""
MAKING = 2
"""Counts the ways in which `make` has made models: another one is another model, also where a cache has the old."""
LEAST_VOCABULARY = 256 + len(MARKS) + len(THINKING)
"""Every byte, and the marks."""
WRITERS = ("o_proj", "down_proj")
"""Matrices that write to the residual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a Llama; embedding and head are one matrix."""

    layers: int
    """Blocks."""
    hidden: int
    """D."""
    heads: int
    """Query heads, and as many of keys."""
    inner: int
    """Width of the feed-forward."""
    context: int
    """Longest text, in tokens."""

    def config(self, vocabulary: int) -> dict[str, Any]:
        """As `config.json`; raises PonderError where the heads do not divide D into even parts."""
        if self.hidden % self.heads or self.hidden // self.heads % 2:
            raise PonderError(
                f"model.fresh.heads = {self.heads}: hidden = {self.hidden} must be heads times an even number"
            )
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.inner,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "head_dim": self.hidden // self.heads,
            "max_position_embeddings": self.context,
            "rms_norm_eps": 1e-5,
            "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
            "tie_word_embeddings": True,
            "hidden_act": "silu",
            "bos_token_id": None,
            "eos_token_id": 0,
            "pad_token_id": 0,
            "dtype": "float32",
        }


def make(folder: Path, shape: Shape, texts: Iterable[str], *, vocabulary: int, seed: int) -> None:
    """Write a model folder; the same arguments give the same bytes."""
    tokenizer = train_tokenizer(texts, vocabulary)
    config = shape.config(tokenizer.get_vocab_size())
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(folder, tokenizer)
    save_file(initial_weights(config, seed), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Byte-level BPE (arXiv:1508.07909) of at most so many entries: any text can be written, every digit is a token."""
    if vocabulary < LEAST_VOCABULARY:
        raise PonderError(f"model.fresh.vocabulary = {vocabulary}: give {LEAST_VOCABULARY} or more, 256 of them bytes")
    tokenizer = Tokenizer(models.BPE())
    pieces = pre_tokenizers.Split(Regex(PIECES), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pieces, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(MARKS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens(list(THINKING))
    return tokenizer


def save_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    """Write it as transformers reads it, with its chat template."""
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "TokenizersBackend",
        "eos_token": END,
        "pad_token": END,
        "model_max_length": 10**9,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    (folder / "chat_template.jinja").write_text(TEMPLATE)


def initial_weights(config: dict[str, Any], seed: int) -> dict[str, Tensor]:
    """Normal numbers of deviation 1 / sqrt(inputs), norms of 1; the seed decides them.

    So what a matrix hands on is as large as what it was given, and tokens are heard beside what the blocks add to them.
    What writes to the residual begins with less, by the root of how many do.
    The customary .02 is for thousands of inputs: a narrow model then hears its own tokens late (docs/LOG.md).
    """
    sizes = DecoderConfig.from_transformers(config)
    with torch.device("meta"):
        shapes = {name: weight.shape for name, weight in Decoder(sizes).named_parameters()}
    generator = torch.Generator().manual_seed(seed)
    less = math.sqrt(2 * config["num_hidden_layers"])

    def drawn(name: str, shape: torch.Size) -> Tensor:
        if "norm" in name:
            return torch.ones(shape)
        deviation = 1 / math.sqrt(shape[1])
        return torch.randn(shape, generator=generator) * (deviation / less if _writes(name) else deviation)

    return {name: drawn(name, shape) for name, shape in shapes.items()}


def _writes(name: str) -> bool:
    """Whether a weight is a matrix that writes to the residual."""
    return any(writer in name for writer in WRITERS)
