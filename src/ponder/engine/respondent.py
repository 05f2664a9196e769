"""A model in this process that is talked to: it thinks if it is asked to, then answers or weighs its choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp
from random import Random

from ponder.engine.bounded import check_asking
from ponder.model.chat import Chat
from ponder.types import Asking, Branch, Lesson, Message, Mode, Reply, Sampler, SamplingParams, Scorer, Status

Tokens = tuple[int, ...]


class LocalRespondent:
    """Sampler, scorer and chat format of one model; a `ponder.types.Respondent`."""

    def __init__(self, name: str, *, chat: Chat, sampler: Sampler, scorer: Scorer, context: int) -> None:
        """`sampler` and `scorer` share the model's weights; `context`: tokens that it reads and writes at most."""
        self.name, self.chat, self.sampler, self.scorer, self.context = name, chat, sampler, scorer, context

    def respond(
        self, conversations: Sequence[Sequence[Message]], asking: Asking, streams: Sequence[str]
    ) -> list[Reply]:
        """See `ponder.types.Respondent`; what the model's context is too short for is an error of its reply."""
        check_asking(asking)
        mode = Mode.FORCED if asking.think else self._at_once()
        prompts = [self.chat.prompt(messages, mode) for messages in conversations]
        fit = [i for i, prompt in enumerate(prompts) if len(prompt) + asking.max_tokens <= self.context]
        found = self._respond([prompts[i] for i in fit], asking, [streams[i] for i in fit])
        replies = dict(zip(fit, found, strict=True))
        return [replies.get(i) or self._too_long(prompt) for i, prompt in enumerate(prompts)]

    def _too_long(self, prompt: Tokens) -> Reply:
        why = f"question of {len(prompt)} tokens: the context is {self.context} tokens, the reply's included"
        return Reply(status=Status.ERROR, reason=why)

    def _respond(self, prompts: Sequence[Tokens], asking: Asking, streams: Sequence[str]) -> list[Reply]:
        thoughts = self._think(prompts, asking, streams) if asking.think else [((), 0)] * len(prompts)
        begun = [(*prompt, *thought) for prompt, (thought, _) in zip(prompts, thoughts, strict=True)]
        answer, held_by = self._weigh if asking.choices else self._write, "sampler" if asking.bounded else ""
        replies = answer(prompts, begun, asking, streams)
        return [
            replace(reply, thinking_tokens=counted, held_by=held_by)
            for reply, (_, counted) in zip(replies, thoughts, strict=True)
        ]

    def _at_once(self) -> Mode:
        """What keeps it from thinking: an empty block where its template has one, else nothing."""
        form = self.chat.thinking
        return Mode.NONE if form.off or form.opened or form.empty else Mode.FREE

    def _think(self, prompts: Sequence[Tokens], asking: Asking, streams: Sequence[str]) -> list[tuple[Tokens, int]]:
        """Thinking of each, closed, and how many tokens lie inside the marks.

        What is not closed in time is closed for it, so that there is room to answer.
        """
        most, limits = _for_thinking(asking), None
        if asking.bounded:
            limits = self.chat.limits(asking.think_at_least, most, Mode.FORCED)
        params = SamplingParams(
            max_tokens=most + len(limits.closing) if limits else most,
            temperature=asking.temperature,
            stop=(self.chat.thinking.close,),
            thinking=limits,
        )
        named = [[f"{stream}/thinking"] for stream in streams]
        found: dict[int, tuple[Tokens, int]] = {}
        for sample in self.sampler.sample(prompts, params, named):
            read = self.chat.parse(sample, prompts[sample.prompt], mode=Mode.FORCED, version=0)
            found[sample.prompt] = (self.chat.closed(sample.tokens), read.thinking_tokens)
        return [found[i] for i in range(len(prompts))]

    def _weigh(
        self, prompts: Sequence[Tokens], begun: Sequence[Tokens], asking: Asking, streams: Sequence[str]
    ) -> list[Reply]:
        """The chance of each choice to be the whole answer."""
        said = [self.chat.said(choice) for choice in asking.choices]
        lessons = [Lesson(prompt=b, branches=tuple(Branch(tokens=s, weight=1.0) for s in said)) for b in begun]
        replies = []
        rows = zip(prompts, begun, streams, self.scorer.logprobs(lessons), strict=True)
        for prompt, start, stream, logprobs in rows:
            chances = _shares(list(map(sum, logprobs)))
            chosen = _chosen(chances, asking.temperature, f"{stream}/answer")
            replies.append(
                Reply(
                    answer=asking.choices[chosen],
                    thinking=self._thinking(prompt, start),
                    tokens=len(start) - len(prompt) + len(said[chosen]),
                    chances=dict(zip(asking.choices, chances, strict=True)),
                )
            )
        return replies

    def _write(
        self, prompts: Sequence[Tokens], begun: Sequence[Tokens], asking: Asking, streams: Sequence[str]
    ) -> list[Reply]:
        """What it goes on to say."""
        left = max(1, asking.max_tokens - (_for_thinking(asking) if asking.think else 0))
        params = SamplingParams(max_tokens=left, temperature=asking.temperature)
        named = [[f"{stream}/answer"] for stream in streams]
        found = {sample.prompt: sample.tokens for sample in self.sampler.sample(begun, params, named)}
        return [
            Reply(
                answer=self.chat.spoken(found[i]),
                thinking=self._thinking(prompt, start),
                tokens=len(start) - len(prompt) + len(found[i]),
            )
            for i, (prompt, start) in enumerate(zip(prompts, begun, strict=True))
        ]

    def _thinking(self, prompt: Tokens, begun: Tokens) -> str | None:
        """Text of the thinking that goes before an answer."""
        if len(begun) == len(prompt):
            return None
        form = self.chat.thinking
        return form.split(form.open + self.chat.text(begun[len(prompt) :]))[0]


def _for_thinking(asking: Asking) -> int:
    """Tokens of a reply that may be thinking: its budget, or else three quarters."""
    return max(1, asking.max_tokens * 3 // 4) if asking.think_at_most is None else asking.think_at_most


def _shares(logprobs: Sequence[float]) -> list[float]:
    """exp(x_i) / sum_j exp(x_j)."""
    most = max(logprobs)
    weights = [exp(logprob - most) for logprob in logprobs]
    return [weight / sum(weights) for weight in weights]


def _chosen(chances: Sequence[float], temperature: float, stream: str) -> int:
    """The likeliest, or one drawn by chance^(1 / temperature)."""
    if temperature == 0:
        return max(range(len(chances)), key=chances.__getitem__)
    return Random(stream).choices(range(len(chances)), [chance ** (1 / temperature) for chance in chances])[0]
