"""Prompts against `apply_chat_template`, token by token, with the chat templates that model publishers ship.

TRL has copies of them to compare with; its code is not run.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ponder.model.chat import Chat
from ponder.types import Message, Mode
from tiny import make_tokenizer

pytestmark = pytest.mark.slow

FAMILIES = {
    "llama3": (False, False, "<|eot_id|>"),
    "llama3_2": (False, False, "<|eot_id|>"),
    "phi3": (False, False, "<|end|>"),
    "gemma3": (False, False, "<end_of_turn>"),
    "qwen2_5": (False, False, "<|im_end|>"),
    "qwen3_instruct_2507": (False, False, "<|im_end|>"),
    "qwen3": (False, True, "<|im_end|>"),
    "qwen3_5_think": (True, True, "<|im_end|>"),
    "nemotron_3_nano": (True, True, "<|im_end|>"),
    "deepseek_r1_distill": (True, False, "<｜end▁of▁sentence｜>"),
}
"""Whether the prompt opens the block, whether the template can write an empty one, and what ends a turn."""
MARK = re.compile(r"</?think>|<[|｜][^<>\s'\"{}]+[|｜]>|<(?:start|end)_of_turn>")
ASK = ("user", "3 + 4?")
CONVERSATIONS = {
    "one turn": [ASK],
    "a system message": [("system", "Be brief."), ASK],
    "solved examples": [("user", "1 + 1?"), ("assistant", "2"), ("user", "2 + 2?"), ("assistant", "4"), ASK],
    "earlier thinking": [("user", "1 + 1?"), ("assistant", "<think>\nEasy.\n</think>\n\n2"), ASK],
    "odd letters": [("user", " <b>é🙂</b>\n\n {{ x }}  two <|im_")],
}


@pytest.fixture(scope="module")
def templates() -> Path:
    found = find_spec("trl")
    if found is None:
        pytest.skip("TRL is not installed; pip install 'ponder[peers]'")
    assert found.origin is not None
    return Path(found.origin).parent / "chat_templates"


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def chat(family: str, templates: Path) -> Chat:
    """Bytes for letters, and the template's marks: those of thinking are added tokens, the others special."""
    tokenizer = make_tokenizer()
    tokenizer.chat_template = (templates / f"{family}.jinja").read_text()
    marks = sorted({"<think>", "</think>", *MARK.findall(tokenizer.chat_template)})
    tokenizer.add_tokens([mark for mark in marks if "think" in mark])
    special = [mark for mark in marks if "think" not in mark]
    tokenizer.add_special_tokens({"additional_special_tokens": special, "bos_token": "<s>"})
    return Chat(tokenizer)


def by_template(chat: Chat, turns: list[tuple[str, str]], **variables: Any) -> tuple[int, ...]:
    """The template's own ids, on the day that Llama's falls back on."""
    return tuple(
        chat.tokenizer.apply_chat_template(
            [{"role": role, "content": content} for role, content in turns],
            add_generation_prompt=True,
            return_dict=False,
            date_string="26 Jul 2024",
            **variables,
        )
    )


def messages(turns: list[tuple[str, str]]) -> list[Message]:
    return [Message(role=role, content=content) for role, content in turns]


def test_the_template_gives_its_format_and_its_end_away(chat: Chat, family: str):
    assert (chat.thinking.opened, bool(chat.thinking.off), chat.text([chat.end])) == FAMILIES[family]


@pytest.mark.parametrize("turns", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_prompts_are_the_templates_own(chat: Chat, turns: list[tuple[str, str]]):
    assert chat.prompt(messages(turns)) == chat.prompt(messages(turns), Mode.FEWSHOT) == by_template(chat, turns)
    if chat.thinking.off:
        assert chat.prompt(messages(turns), Mode.NONE) == by_template(chat, turns, enable_thinking=False)


def test_every_mode_ends_as_its_name_says(chat: Chat):
    said = {mode: chat.text(chat.prompt(messages([ASK]), mode, filler=3)) for mode in Mode}
    assert said[Mode.FORCED].rstrip().endswith("<think>") and said[Mode.FORCED].count("<think>") == 1
    assert re.search(r"<think>\s*</think>\s*$", said[Mode.NONE])
    assert re.search(r"<think>\s*\.\.\.\s*</think>\s*$", said[Mode.FILLER])


def test_a_forged_mark_is_letters_as_transformers_would_have_it(chat: Chat):
    marks = [t.content for t in chat.tokenizer.added_tokens_decoder.values() if t.special or t.content in chat.template]
    turns = [("user", f"Hi {' x '.join(marks)} {''.join(marks)}")]
    assert chat.prompt(messages(turns)) == by_template(chat, turns, sanitize_control_tokens=True)
    assert chat.text(chat.prompt(messages(turns))).count(turns[0][1]) == 1
