"""How the policy is spoken to: its chat template and its thinking block, as token ids and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ponder.model.formats import ThinkingFormat, detect, named
from ponder.model.thinking import Words, inside
from ponder.types import Completion, Message, Mode, Outcome, PonderError, Sample, ThinkingLimits

FILLER = "."
"""What thinking is filled with where it is to say nothing (arXiv:2404.15758)."""
RESUME = "Wait"
"""What stands in place of a closing mark that came too early (arXiv:2501.19393)."""


class Chat:
    """Messages to token ids and sampled ids back to thinking and answer.

    Ids are carried, never re-encoded: what is learned from is what was sampled.
    """

    def __init__(
        self,
        tokenizer: Any,
        *,
        system: str | None = None,
        thinking: ThinkingFormat | None = None,
        ends: Iterable[int] = (),
    ) -> None:
        """`tokenizer`: of transformers; `system`: a system message for every conversation that has none.

        `thinking` is what the template gives away where it is left out; `ends`: tokens besides the template's own that
        end a turn.
        """
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
        self.end = int(tokenizer.eos_token_id)
        self.ends = tuple(sorted({self.end, *ends}))
        self.thinking = thinking or self._detected()
        self.opening = self._ids(self.thinking.opening)
        self._marks = sorted({*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}, key=len, reverse=True)
        self._hides_marks = not {self.thinking.open, self.thinking.close} & {*tokenizer.all_special_tokens}

    @classmethod
    def load(cls, folder: Path, *, system: str | None = None, thinking: str | None = None) -> Chat:
        """The tokenizer and chat template of a model folder; `thinking`: key of `formats.FORMATS`."""
        from transformers import AutoTokenizer  # seconds to import, and not every caller gets here

        asked = None if thinking is None else named(thinking)
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        except Exception:  # whatever is wrong with a file; tokenizers raises nothing narrower
            raise PonderError(
                f"model {folder}: no tokenizer there that can be read; put tokenizer.json and tokenizer_config.json "
                "of its base model into the folder"
            ) from None
        return cls(tokenizer, system=system, thinking=asked, ends=_generation_ends(folder))

    def prompt(self, messages: Sequence[Message], mode: str = Mode.FREE, *, filler: int = 0) -> tuple[int, ...]:
        """Ids up to where the policy speaks, in the way that the mode asks it to think.

        `filler`: tokens that say nothing, in mode `filler`.
        """
        form, asked = self.thinking, Mode(mode)
        if asked is Mode.NONE and form.off:
            return self._conversation(messages, **form.off)
        ids = self._conversation(messages)
        if asked in (Mode.FREE, Mode.FEWSHOT):
            return ids
        ids += () if form.opened else self.opening
        if asked is Mode.FORCED:
            return ids
        return ids + self._ids(FILLER) * filler + self._ids(form.closing)

    def limits(self, at_least: int, at_most: int | None, mode: str) -> ThinkingLimits:
        """Thinking limits of a prompt in this mode."""
        return ThinkingLimits(
            at_least=at_least,
            at_most=at_most,
            opened=self._opens(mode),
            open=self.thinking.open,
            close=self.thinking.close,
            closing=self._ids(self.thinking.close + self.thinking.after_close),
            resume=self._ids(RESUME),
        )

    def reply(self, answer: str, thinking: str | None = None) -> tuple[int, ...]:
        """Ids of a whole completion of a free prompt, end of turn included."""
        form = self.thinking
        if thinking is None and not form.empty:
            return (*self._ids(answer), self.end)
        opening = () if form.opened else self.opening
        return (*opening, *self._ids(f"{thinking or ''}{form.closing}{answer}"), self.end)

    def parse(self, sample: Sample, prompt: Sequence[int], *, mode: str, version: int) -> Completion:
        """Read what was sampled: thinking, answer, outcome."""
        opened = self._opens(mode)
        text = self._read(sample.tokens)
        if sample.stop:
            text = text[: text.rfind(sample.stop)]
        thinking, answer = self.thinking.split(self.thinking.open + text if opened else text)
        outcome = Outcome.ANSWERED if answer else Outcome.NO_ANSWER
        if not sample.ended:
            outcome = Outcome.TRUNCATED
        return Completion(
            prompt=tuple(prompt),
            tokens=sample.tokens,
            logprobs=sample.logprobs,
            policy_version=version,
            thinking=thinking,
            thinking_tokens=0 if thinking is None else self._inside(sample.tokens, opened),
            answer=answer,
            outcome=outcome,
            forced=sample.forced,
        )

    def text(self, tokens: Sequence[int]) -> str:
        """Text of token ids, marks of the template included."""
        return self.tokenizer.decode(list(tokens), skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def _detected(self) -> ThinkingFormat:
        asked = [{"role": "user", "content": "?"}]
        prompt = self.tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
        return detect(self.tokenizer.chat_template, prompt)

    def _opens(self, mode: str) -> bool:
        """Whether a prompt in this mode leaves the block open."""
        return mode == Mode.FORCED or (self.thinking.opened and mode in (Mode.FREE, Mode.FEWSHOT))

    def _conversation(self, messages: Sequence[Message], **variables: Any) -> tuple[int, ...]:
        """Ids of the messages by the template; a mark that somebody wrote into a message stays the letters it is."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        if self.system is not None and turns[0]["role"] != "system":
            turns.insert(0, {"role": "system", "content": self.system})
        if not any(mark in turn["content"] for turn in turns for mark in self._marks):
            ids = self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True, **variables)
            return tuple(ids["input_ids"])
        text = self.tokenizer.apply_chat_template(
            [turn | {"content": _torn(turn["content"], self._marks)} for turn in turns],
            add_generation_prompt=True,
            tokenize=False,
            **variables,
        )
        return tuple(token for part in text.split(TEAR) for token in self._ids(part))

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _read(self, tokens: Sequence[int]) -> str:
        """Text of a completion without the marks of the template, unless they are those of the thinking."""
        hides = self._hides_marks
        kept = tokens if hides else [token for token in tokens if token not in self.ends]
        return self.tokenizer.decode(list(kept), skip_special_tokens=hides, clean_up_tokenization_spaces=False)

    def _inside(self, tokens: Sequence[int], opened: bool) -> int:
        """Tokens inside the thinking block, the end of turn not counted."""
        words = Words(self.text)
        for token in tokens[:-1] if tokens and tokens[-1] in self.ends else tokens:
            words.add(token)
        return inside(words.pieces, self.thinking.open, self.thinking.close, opened)[0]


TEAR = "\ue000"
"""A letter of private use, put into a mark of the template that stands in a message, and taken out in between."""


def _torn(content: str, marks: Sequence[str]) -> str:
    """The content with every mark torn in two, so that no tokenizer takes it for one."""
    pattern = re.compile("|".join(map(re.escape, marks)))
    return pattern.sub(lambda found: found.group()[0] + TEAR + found.group()[1:], content.replace(TEAR, ""))


def _generation_ends(folder: Path) -> list[int]:
    """Tokens that end a completion by a folder's `generation_config.json`, where it has one."""
    path = folder / "generation_config.json"
    try:
        named_ends = json.loads(path.read_text()).get("eos_token_id") if path.is_file() else None
    except (AttributeError, ValueError):
        raise PonderError(f"model {folder}: generation_config.json is not JSON; fetch it again") from None
    return [named_ends] if isinstance(named_ends, int) else list(named_ends or ())
