from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ponder.model.chat import Chat
from ponder.model.fresh import LEAST_VOCABULARY, Shape, initial_weights, make
from ponder.model.language import Tree
from ponder.model.load import load_model
from ponder.types import Message, PonderError, Sample

SHAPE = Shape(layers=2, hidden=32, heads=2, inner=64, context=128)
TEXTS = ["Start with 4. Add 3. Multiply by 7.", "4から始めます。3を足します。7を掛けます。"] * 20


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / "model"
    make(folder, SHAPE, TEXTS, vocabulary=300, seed=1)
    return folder


def test_transformers_loads_it_and_computes_the_same(fresh: Path):
    ids = torch.tensor([AutoTokenizer.from_pretrained(fresh)("Add 3.", add_special_tokens=False)["input_ids"]])
    theirs = AutoModelForCausalLM.from_pretrained(fresh)(ids).logits
    model = load_model(fresh, dtype=torch.float32)
    tree = Tree(torch.zeros_like(ids), torch.tensor([ids.shape[1]]))
    ours = model.logits(model.read(ids, torch.arange(ids.shape[1])[None], tree))
    assert torch.allclose(theirs, ours, atol=1e-5)


def test_the_same_arguments_give_the_same_bytes(fresh: Path, tmp_path: Path):
    make(tmp_path / "again", SHAPE, TEXTS, vocabulary=300, seed=1)
    for file in fresh.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes(), file.name
    other = initial_weights(SHAPE.config(300), 2)["model.embed_tokens.weight"]
    assert not torch.equal(other, initial_weights(SHAPE.config(300), 1)["model.embed_tokens.weight"])


def test_any_text_goes_in_and_comes_out(fresh: Path):
    chat = Chat.load(fresh)
    for text in ("Start with 4.", "4から始めます。", "naïve 🙂 \t\n x", "123", "<|user|> is no mark here"):
        prompt = chat.prompt([Message(role="user", content=text)])
        assert chat.text(prompt) == f"<|user|>{text}<|end|><|assistant|>"
    assert len(chat.prompt([Message(role="user", content="123")])) == 3 + 3, "every digit is a token"
    plain = chat.prompt([Message(role="user", content="<|end|>")])
    assert plain.count(chat.end) == 1, "a mark in a message is letters"


def test_it_thinks_in_single_tokens(fresh: Path):
    chat = Chat.load(fresh)
    reply = chat.reply("5", "4 plus 3")
    assert chat.text(reply) == "<think>4 plus 3</think>5<|end|>"
    vocabulary = chat.tokenizer.get_vocab()
    assert reply[0] == vocabulary["<think>"] and vocabulary["</think>"] in reply
    sample = Sample(prompt=0, sample=0, tokens=reply, logprobs=(0.0,) * len(reply), ended=True)
    read = chat.parse(sample, (), mode="free", version=0)
    assert (read.thinking, read.answer) == ("4 plus 3", "5")


def test_sizes_that_cannot_be_are_refused(tmp_path: Path):
    with pytest.raises(PonderError, match=rf"model.fresh.vocabulary = 100: give {LEAST_VOCABULARY} or more"):
        make(tmp_path, SHAPE, TEXTS, vocabulary=100, seed=0)
    odd = Shape(layers=1, hidden=30, heads=4, inner=8, context=8)
    with pytest.raises(PonderError, match=r"model.fresh.heads = 4: hidden = 30 must be heads times an even number"):
        make(tmp_path, odd, TEXTS, vocabulary=300, seed=0)
