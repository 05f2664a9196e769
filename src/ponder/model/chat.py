"""How the policy is spoken to: its chat template and its thinking block, as token ids and back."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ponder.types import Completion, Message, Mode, Outcome, PonderError, Sample, ThinkingLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkingFormat:
    """The marks around the thinking."""

    open: str = "<think>"
    """Opens the block; the first thing a completion says, if it thinks."""
    close: str = "</think>"
    """Closes it; the answer follows."""

    def split(self, text: str) -> tuple[str | None, str]:
        """Thinking (None without a block) and answer; an unclosed block has no answer."""
        if not text.lstrip().startswith(self.open):
            return None, text.strip()
        thinking, closed, answer = text.lstrip()[len(self.open) :].partition(self.close)
        return thinking.strip(), answer.strip() if closed else ""


class Chat:
    """Messages to token ids and sampled ids back to thinking and answer.

    Ids are carried, never re-encoded: what is learned from is what was sampled.
    """

    def __init__(self, tokenizer: Any, *, system: str | None = None, thinking: ThinkingFormat | None = None) -> None:
        """`tokenizer`: of transformers; `system`: a system message for every conversation that has none."""
        if tokenizer.chat_template is None:
            raise PonderError(
                f"model {tokenizer.name_or_path}: its tokenizer has no chat template; use an instruct model"
            )
        if tokenizer.eos_token_id is None:
            raise PonderError(
                f"model {tokenizer.name_or_path}: its tokenizer has no end of turn; name eos_token in "
                "tokenizer_config.json"
            )
        self.tokenizer, self.system = tokenizer, system
        self.thinking = thinking or ThinkingFormat()
        self.end = int(tokenizer.eos_token_id)
        self.ends = (self.end,)
        self.opening = self._ids(self.thinking.open)

    @classmethod
    def load(cls, folder: Path, *, system: str | None = None, thinking: str | None = None) -> Chat:
        """The tokenizer and chat template of a model folder."""
        from transformers import AutoTokenizer  # seconds to import, and not every caller gets here

        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        except (ImportError, OSError, ValueError):
            raise PonderError(
                f"model {folder}: no tokenizer there that can be read; put tokenizer.json and tokenizer_config.json "
                "of its base model into the folder"
            ) from None
        return cls(tokenizer, system=system)

    def prompt(self, messages: Sequence[Message], mode: str = Mode.FREE, *, filler: int = 0) -> tuple[int, ...]:
        """Ids up to where the policy speaks; in mode `forced` the thinking block is already open."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        if self.system is not None and turns[0]["role"] != "system":
            turns.insert(0, {"role": "system", "content": self.system})
        ids = self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
        closing = self._ids(self.thinking.close)
        block = {
            Mode.FORCED: self.opening,
            Mode.NONE: self.opening + closing,
            Mode.FILLER: self.opening + self._ids(".") * filler + closing,
        }
        return tuple(ids) + block.get(Mode(mode), ())

    def limits(self, at_least: int, at_most: int | None, mode: str) -> ThinkingLimits:
        """Thinking limits."""
        return ThinkingLimits(
            at_least=at_least,
            at_most=at_most,
            opened=mode == Mode.FORCED,
            open=self.thinking.open,
            close=self.thinking.close,
            closing=self._ids(self.thinking.close),
            resume=self._ids("Wait"),
        )

    def text(self, tokens: Sequence[int]) -> str:
        """Text of token ids, marks included."""
        return self.tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def reply(self, answer: str, thinking: str | None = None) -> tuple[int, ...]:
        """Ids of a whole completion, end of turn included."""
        if thinking is None:
            return (*self._ids(answer), self.end)
        return (*self.opening, *self._ids(f"{thinking}{self.thinking.close}{answer}"), self.end)

    def parse(self, sample: Sample, prompt: Sequence[int], *, mode: str, version: int) -> Completion:
        """Read what was sampled: thinking, answer, outcome."""
        opened = mode == Mode.FORCED
        text = self._text(sample.tokens, opened)
        thinking, answer = self.thinking.split(text)
        outcome = Outcome.ANSWERED if answer else Outcome.NO_ANSWER
        if not sample.ended:
            outcome = Outcome.TRUNCATED
        return Completion(
            prompt=tuple(prompt),
            tokens=sample.tokens,
            logprobs=sample.logprobs,
            policy_version=version,
            thinking=thinking,
            thinking_tokens=0 if thinking is None else self._thinking_tokens(sample.tokens, opened),
            answer=answer,
            outcome=outcome,
            forced=sample.forced,
        )

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _text(self, tokens: Sequence[int], opened: bool) -> str:
        text = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return self.thinking.open + text if opened else text

    def _thinking_tokens(self, tokens: Sequence[int], opened: bool) -> int:
        """Fewest tokens that hold the closing mark; all of them where it never came."""

        def closed(n: int) -> bool:
            return self.thinking.close in self._text(tokens[:n], opened)

        return min(bisect.bisect_left(range(len(tokens) + 1), True, key=closed), len(tokens))
