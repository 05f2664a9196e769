"""What a server sent, read as a reply: thinking, answer, and how likely each choice was to be the answer.

Token texts are compared as bytes, since a token may be a part of a character.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from ponder.engine.wire import Trouble, told
from ponder.model.formats import FORMATS
from ponder.model.thinking import inside
from ponder.types import Asking, Reply, Status

MARKS = FORMATS["plain"]
"""What thinking stands between where a server leaves it in the content."""

M = TypeVar("M", bound=BaseModel)
"""What is read."""
Byte = Annotated[int, Field(ge=0, le=255)]
Count = Annotated[int, Field(ge=0)]


class Alternative(BaseModel):
    """A token that could stand at a position."""

    token: str
    """Its text."""
    logprob: Annotated[float, Field(le=1e-3)]
    """Natural; a server's rounding may lift it above 0."""
    octets: list[Byte] | None = Field(default=None, alias="bytes")
    """Its bytes; None where the server does not tell."""

    @property
    def raw(self) -> bytes:
        """Its bytes, or those of its text."""
        return self.token.encode() if self.octets is None else bytes(self.octets)


class Token(Alternative):
    """A token that was written."""

    top_logprobs: list[Alternative] = Field(default_factory=list)
    """The likeliest at its position."""


class Logprobs(BaseModel):
    """What was written, token by token."""

    content: list[Token] | None = None
    """None where the server does not tell."""


class Said(BaseModel):
    """The message of a choice."""

    content: str | None = None
    """None where nothing was said."""
    reasoning: str | None = None
    """Thinking, by the name that vLLM and OpenRouter give it."""
    reasoning_content: str | None = None
    """Thinking, by the name that DeepSeek, llama.cpp and transformers give it."""

    def split(self, asking: Asking) -> tuple[str | None, str]:
        """Thinking (None without any) and answer.

        A closing mark without an opening one counts where thinking was asked for: some templates open the block.
        """
        content, thinking = self.content or "", self.reasoning or self.reasoning_content
        if thinking:
            return thinking.strip(), content.strip()
        if asking.think and MARKS.close in content and not content.lstrip().startswith(MARKS.open):
            content = MARKS.open + content
        return MARKS.split(content)


class Choice(BaseModel):
    """One of the replies; only one is asked for."""

    message: Said
    """What was said."""
    logprobs: Logprobs | None = None
    """None where the server does not tell."""
    finish_reason: str | None = None
    """`stop` where it ended of itself or at a stop text, `length` where it was cut."""

    @property
    def tokens(self) -> list[Token]:
        """What was written, token by token; empty where the server does not tell."""
        return (self.logprobs and self.logprobs.content) or []


class Details(BaseModel):
    """What the tokens written were."""

    reasoning_tokens: Count | None = None
    """Tokens of thinking; None or 0 from servers that do not tell."""


class Usage(BaseModel):
    """What a reply took."""

    prompt_tokens: Count = 0
    """Tokens read."""
    completion_tokens: Count = 0
    """Tokens written, thinking included."""
    completion_tokens_details: Details | None = None
    """None where the server does not tell."""


class Body(BaseModel):
    """What a server sends."""

    choices: list[Choice] = Field(default_factory=list)
    """The replies."""
    usage: Usage | None = None
    """None where the server does not count."""
    error: Any = None
    """Said by some in place of a reply, under a status of 200."""
    pieces: int = 0
    """Of text that it came in; 0 where it came at once."""

    @property
    def said(self) -> str:
        """What was written as it stands, thinking or not, up to a closing mark and without an opening one."""
        message = self._choice().message
        text = message.reasoning or message.reasoning_content or message.content or ""
        return text.removeprefix(MARKS.open).partition(MARKS.close)[0]

    @property
    def stopped(self) -> bool:
        """Whether it ended of itself."""
        return self._choice().finish_reason == "stop"

    @property
    def written(self) -> int:
        """Tokens written, at least; 0 where the server does not tell."""
        return self.usage.completion_tokens if self.usage else len(self._choice().tokens) or self.pieces

    def reply(self, asking: Asking) -> Reply:
        """The reply; raises Trouble where there is none."""
        choice = self._choice()
        thinking, answer = choice.message.split(asking)
        return Reply(
            answer=answer,
            thinking=thinking or None,
            tokens=self.written,
            thinking_tokens=thought(self, thinking, answer)[0],
            chances=chances(choice.tokens, thinking, answer, asking.choices),
        )

    def _choice(self) -> Choice:
        if not self.choices:
            why = told(json.dumps({"error": self.error}).encode()) if self.error else "it holds no choices"
            raise Trouble(f"no reply in the body: {why}", status=Status.UNPARSEABLE, again=1)
        return self.choices[0]


def parse(data: bytes) -> Body:
    """The body of a response; raises Trouble where it is not one."""
    return read(Body, data)


def read(kind: type[M], data: bytes) -> M:
    """JSON of this kind; raises Trouble where it is not that."""
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        why = ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))
        raise Trouble(f"its body cannot be read: {why}", status=Status.UNPARSEABLE, again=1) from None


def thought(body: Body, thinking: str | None, answer: str) -> tuple[int | None, bool]:
    """Tokens of the thinking, and whether they were counted: by the server, or among the tokens it lists.

    Else they are taken to be the thinking's share of the text; None where nothing is known.
    """
    if not thinking:
        return 0, True
    details = body.usage and body.usage.completion_tokens_details
    if details and details.reasoning_tokens:
        return details.reasoning_tokens, True
    pieces = [token.raw.decode(errors="replace") for token in body.choices[0].tokens]
    if MARKS.close in (text := "".join(pieces)):
        return inside(pieces, MARKS.open, MARKS.close, opened=not text.lstrip().startswith(MARKS.open))[0], True
    if not body.written:
        return None, False
    return round(body.written * len(thinking) / (len(thinking) + len(answer))), False


def chances(tokens: Sequence[Token], thinking: str | None, answer: str, choices: Sequence[str]) -> dict[str, float]:
    """p(choice) / sum of p over the choices, where p sums the alternatives that begin this choice and no other.

    They are those of the token that the answer begins with: text without the space around it, case aside. Empty where
    the server tells none, or none of them begins a choice.
    """
    first = beginning(tokens, thinking, answer) if choices else None
    if first is None or not first.top_logprobs:
        return {}
    masses = dict.fromkeys(choices, 0.0)
    for alternative in {each.raw: each for each in (first, *first.top_logprobs)}.values():
        begun = [choice for choice in choices if begins(alternative, choice)]
        if len(begun) == 1:
            masses[begun[0]] += math.exp(alternative.logprob)
    total = sum(masses.values())
    return {choice: mass / total for choice, mass in masses.items()} if total > 0 else {}


def begins(alternative: Alternative, choice: str) -> bool:
    """Whether a token is a beginning of this word, or all of it."""
    text = alternative.raw.decode(errors="surrogateescape").strip().casefold()
    return bool(text) and choice.casefold().encode().startswith(text.encode(errors="surrogateescape"))


def beginning(tokens: Sequence[Token], thinking: str | None, answer: str) -> Token | None:
    """The token that the answer begins with; None where there is no such token, or it began before the answer."""
    text = b"".join(token.raw for token in tokens)
    start, end = answer_at(text, thinking, answer), 0
    if start < 0 or not answer:
        return None
    for token in tokens:
        begin, end = end, end + len(token.raw)
        if token.raw[max(start - begin, 0) :].strip():
            return token if begin >= start else None
    return None


def answer_at(text: bytes, thinking: str | None, answer: str) -> int:
    """Where the answer begins, in bytes: behind the thinking, if that is among the tokens; -1 where it is not found."""
    if thinking is None and not text.lstrip().startswith(MARKS.open.encode()):
        return 0
    mark = text.find(MARKS.close.encode())
    return text.rfind(answer.encode()) if mark < 0 else mark + len(MARKS.close)
