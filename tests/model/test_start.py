"""What is loaded quickly is what transformers would load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoConfig, AutoTokenizer

from ponder.model.chat import Chat
from ponder.model.config import DecoderConfig
from ponder.model.dtypes import DTYPES
from ponder.model.load import load_model, save_model

HEAVY = ("transformers.activations", "transformers.modeling_utils", "torch.distributed.tensor", "sympy")


@pytest.fixture(scope="module")
def saved(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with a `config.json` that says everything, as transformers writes it."""
    folder = tmp_path_factory.mktemp("saved")
    save_model(folder, load_model(tiny, dtype=DTYPES["float32"]), like=tiny)
    config = json.loads((folder / "config.json").read_text())
    AutoConfig.for_model(**config).save_pretrained(folder)
    return folder


def test_a_config_that_says_everything_means_what_transformers_takes_it_for(saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text())
    completed = {key: value for key, value in config.items() if key not in ("mlp_bias", "attention_bias")}
    assert DecoderConfig.from_transformers(config) == DecoderConfig.from_transformers(completed)
    turned = config | {"rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}, "head_dim": 16}
    without = {key: value for key, value in turned.items() if key != "mlp_bias"}
    assert DecoderConfig.from_transformers(turned) == DecoderConfig.from_transformers(without)


def test_the_tokenizer_is_the_one_that_transformers_finds(saved: Path) -> None:
    ours, theirs = Chat.load(saved).tokenizer, AutoTokenizer.from_pretrained(saved)
    text = "Hi <|end|> 123  \n x"
    assert type(ours) is type(theirs) and ours.get_vocab() == theirs.get_vocab()
    assert ours(text)["input_ids"] == theirs(text)["input_ids"] and ours.chat_template == theirs.chat_template
    assert ours.special_tokens_map == theirs.special_tokens_map


def test_neither_loads_what_it_does_not_need(saved: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ponder.model.chat import Chat\n"
        "from ponder.model.checkpoint import read_config; from ponder.model.config import DecoderConfig\n"
        "folder = Path(sys.argv[1]); Chat.load(folder); DecoderConfig.from_transformers(read_config(folder))\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code, saved], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"
