"""A tiny random Llama with a real tokenizer and chat template, in transformers' layout: the model of the fast tests."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from ponder.model.config import DecoderConfig
from ponder.model.decoder import Decoder

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def make_tiny(folder: Path, *, seed: int = 0, layers: int = 2, hidden: int = 32, context: int = 2048) -> Path:
    """Write the model: 256 byte tokens and four marks, grouped-query attention, tied embeddings."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(tokenizer),
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": hidden // 4,
        "max_position_embeddings": context,
        "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
        "tie_word_embeddings": True,
        "hidden_act": "silu",
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(random_weights(DecoderConfig.from_transformers(config), seed), folder / "model.safetensors")
    return folder


def random_weights(config: DecoderConfig, seed: int) -> dict[str, torch.Tensor]:
    """Normal weights of deviation 0.1, norms of 1; what the seed alone decides."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {name: parameter.shape for name, parameter in Decoder(config).named_parameters()}
    return {
        name: torch.ones(shape) if "norm" in name else torch.randn(shape, generator=generator) * 0.1
        for name, shape in shapes.items()
    }


def make_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte, and the marks of the template."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|end|>",
        additional_special_tokens=SPECIAL[1:],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer
