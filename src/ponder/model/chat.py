"""How the policy is spoken to: its chat template and its thinking block, as token ids and back."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from ponder.model.formats import ThinkingFormat, detect, named, on_one_day
from ponder.model.thinking import Decode, Words, inside
from ponder.types import Completion, Message, Mode, Outcome, PonderError, Sample, ThinkingLimits

FILLER = "."
"""What thinking is filled with where it is to say nothing (arXiv:2404.15758)."""
RESUME = "Wait"
"""What stands in place of a closing mark that came too early (arXiv:2501.19393)."""
OPENED = (Mode.FORCED, Mode.CORRUPTED, Mode.TRANSLATED, Mode.BUDGET)
"""Modes that open the thinking block in the prompt."""
TEAR = "\ufdd0"
"""A character that no text may have, put into a mark of the template that stands in a message; taken out again."""


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
        self.template = on_one_day(tokenizer.get_chat_template())
        self.end = self._end_of_turn()
        self.ends = tuple(sorted({self.end, int(tokenizer.eos_token_id), *ends}))
        self.thinking = thinking or detect(self.template, self._render([{"role": "user", "content": "?"}]))
        self.opening = self._ids(self.thinking.opening)
        self._marks = self._marks_of_the_template()

    @classmethod
    def load(cls, folder: Path, *, system: str | None = None, thinking: str | None = None) -> Chat:
        """The tokenizer and chat template of a model folder; `thinking`: key of `formats.FORMATS`."""
        asked = None if thinking is None else named(thinking)
        try:
            tokenizer = _tokenizer_class(folder).from_pretrained(folder, trust_remote_code=False, local_files_only=True)
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
        if asked in OPENED:
            return ids if form.opened else ids + self.opening
        return ids + self.blank(filler if asked is Mode.FILLER else 0)

    def blank(self, filler: int = 0) -> tuple[int, ...]:
        """Ids of a thinking block that says nothing, or `filler` tokens of it."""
        opening = () if self.thinking.opened else self.opening
        return opening + self._ids(FILLER) * filler + self._ids(self.thinking.closing)

    def begun(self, prompt: Sequence[int], thinking: str) -> tuple[int, ...]:
        """Ids of a prompt that has opened the block, with lines of thinking that the policy is to go on from."""
        return (*prompt, *self._ids(f"{thinking}\n"))

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
            return self.said(answer)
        opening = () if form.opened else self.opening
        return (*opening, *self.said(f"{thinking or ''}{form.closing}{answer}"))

    def said(self, text: str) -> tuple[int, ...]:
        """Ids of a text, end of turn included."""
        return (*self._ids(text), self.end)

    def spoken(self, tokens: Sequence[int]) -> str:
        """Text of sampled ids, without the end of turn and the space around it."""
        return self.text(self._said(tokens)).strip()

    def closed(self, tokens: Sequence[int]) -> tuple[int, ...]:
        """Ids of thinking that was sampled up to its closing mark, with what stands between that and an answer.

        The mark is put there where the thinking ended without it.
        """
        form, said = self.thinking, tuple(self._said(tokens))
        closed = form.close in self.text(said)
        return said + self._ids(form.after_close if closed else form.closing)

    def parse(self, sample: Sample, prompt: Sequence[int], *, mode: str, version: int, begun: str = "") -> Completion:
        """Read what was sampled: thinking, answer, outcome; `begun`: lines of thinking that stand in the prompt."""
        opened = self._opens(mode)
        said = self._said(sample.tokens)
        text = self.text(said)
        if sample.stop in text:  # not where it is the end of turn, which has been left out
            text = text[: text.rfind(sample.stop)]
        lead = self.thinking.open + (f"{begun}\n" if begun else "") if opened else ""
        thinking, answer = self.thinking.split(lead + text)
        outcome = Outcome.ANSWERED if answer else Outcome.NO_ANSWER
        if not sample.ended:
            outcome = Outcome.TRUNCATED
        return Completion(
            prompt=tuple(prompt),
            tokens=sample.tokens,
            logprobs=sample.logprobs,
            policy_version=version,
            thinking=thinking,
            thinking_tokens=0 if thinking is None else _inside(self.text, said, self.thinking, opened),
            answer=answer,
            outcome=outcome,
            forced=sample.forced,
        )

    def text(self, tokens: Sequence[int]) -> str:
        """Text of token ids, marks of the template included."""
        return self.tokenizer.decode(list(tokens), skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def _opens(self, mode: str) -> bool:
        """Whether a prompt in this mode leaves the block open."""
        return mode in OPENED or (self.thinking.opened and mode in (Mode.FREE, Mode.FEWSHOT))

    def _conversation(self, messages: Sequence[Message], **variables: Any) -> tuple[int, ...]:
        """Ids of the messages by the template; a mark that somebody wrote into a message stays the letters it is."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        if self.system is not None and turns[0]["role"] != "system":
            turns.insert(0, {"role": "system", "content": self.system})
        first, *rest = self._render([turn | {"content": self._torn(**turn)} for turn in turns], **variables).split(TEAR)
        return (*self._encode(first), *(token for part in rest for token in self._ids(part)))

    def _render(self, turns: Sequence[dict[str, str]], *, ask: bool = True, **variables: Any) -> str:
        """What the template makes of the turns; with `ask`, up to where the policy speaks."""
        how = {"add_generation_prompt": ask, "tokenize": False, "chat_template": self.template}
        try:
            return self.tokenizer.apply_chat_template(turns, **how, **variables)
        except TemplateError as error:
            raise PonderError(
                f"model {self.tokenizer.name_or_path}: its chat template refuses a conversation of "
                f"{', '.join(turn['role'] for turn in turns)}: {error}; leave out what it has no place for"
            ) from None

    def _torn(self, role: str, content: str) -> str:
        """The content with every mark of the template torn in two, so that no tokenizer takes it for one.

        An assistant's thinking marks stay whole: they are its own, and by them a template knows earlier thinking.
        """
        own = {self.thinking.open, self.thinking.close} if role == "assistant" else ()
        return self._marks.sub(lambda found: _tear(found[0], own), content.replace(TEAR, ""))

    def _marks_of_the_template(self) -> re.Pattern[str]:
        """Tokens of more than letters: special ones, and those added ones that template or thinking format write.

        Others are text: a vocabulary may have `<b>` or two spaces among its added tokens.
        """
        written = self.template + self.thinking.open + self.thinking.close
        added = self.tokenizer.added_tokens_decoder.values()
        marks = {t.content for t in added if t.special or (t.content in written and not t.content.isspace())}
        return re.compile("|".join(map(re.escape, sorted(marks, key=len, reverse=True))))

    def _end_of_turn(self) -> int:
        """The mark that the template writes after a reply: the tokenizer's own, unless the template knows another."""
        turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": TEAR}]
        _, said, rest = self._render(turns, ask=False).rpartition(TEAR)
        after = self._encode(rest) if said else ()
        known, usual = self.tokenizer.added_tokens_decoder, int(self.tokenizer.eos_token_id)
        marks = [token for token in after if token in known and known[token].special]
        return usual if usual in marks or not marks else marks[0]

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _ids(self, text: str) -> tuple[int, ...]:
        """Ids of a text that goes on from another: without the space that SentencePiece puts before a beginning."""
        newline, ids = self._encode("\n"), self._encode("\n" + text)
        return ids[len(newline) :] if ids[: len(newline)] == newline else self._encode(text)

    def _said(self, tokens: Sequence[int]) -> Sequence[int]:
        """A completion without its end of turn."""
        return tokens[:-1] if tokens and tokens[-1] in self.ends else tokens


def _inside(decode: Decode, tokens: Sequence[int], form: ThinkingFormat, opened: bool) -> int:
    """Tokens inside the thinking block."""
    words = Words(decode)
    for token in tokens:
        words.add(token)
    return inside(words.pieces, form.open, form.close, opened)[0]


def _tokenizer_class(folder: Path) -> Any:
    """Who reads the tokenizer of a folder.

    For a Llama whose tokenizer is all in tokenizer.json, `AutoTokenizer` would take a second to find the same class.
    """
    names = [("config.json", "model_type"), ("tokenizer_config.json", "tokenizer_class")]
    said = [json.loads((folder / file).read_text()).get(key) for file, key in names if (folder / file).is_file()]
    if said == ["llama", "TokenizersBackend"]:
        from transformers import TokenizersBackend  # seconds to import, and not every caller gets here

        return TokenizersBackend
    from transformers import AutoTokenizer  # a second more

    return AutoTokenizer


def _tear(mark: str, own: Collection[str]) -> str:
    """A mark in two pieces, unless it is the speaker's own."""
    return mark if mark in own else mark[0] + TEAR + mark[1:]


def _generation_ends(folder: Path) -> list[int]:
    """Tokens that end a completion by a folder's `generation_config.json`, where it has one."""
    path = folder / "generation_config.json"
    try:
        named_ends = json.loads(path.read_text()).get("eos_token_id") if path.is_file() else None
    except (AttributeError, ValueError):
        raise PonderError(f"model {folder}: generation_config.json is not JSON; fetch it again") from None
    return [named_ends] if isinstance(named_ends, int) else list(named_ends or ())
