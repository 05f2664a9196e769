"""What holds for every sampler, asked on the tiny model and compared with transformers' own computation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from string import ascii_letters
from typing import Any

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor
from transformers import AutoModelForCausalLM

from ponder.model.thinking import inside
from ponder.types import PonderError, Sample, Sampler, SamplingParams, ThinkingLimits
from tiny import make_tiny, make_tokenizer

DECODER = make_tokenizer()
END = 256
"""End of turn of the tiny model; the 256 ids before it are bytes."""
PROMPTS = [tuple(range(40, 53)), (7, 8), tuple(range(40, 50)), (200,)]
"""Of different lengths; two of them begin alike."""
MANY = [f"stream {i}" for i in range(60)]
CLOSED_AT = 6
"""Tokens before the one that is taken as closing mark."""
N_DRAWS = 4000
STREAMS = [["a", "b"], ["c"], [], ["d", "e", "f"]]
"""One of the prompts is not asked for at all."""


def reference(folder: Path) -> Any:
    """The same weights in transformers."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def next_logits(model: Any, ids: Sequence[int]) -> Tensor:
    """Logits `[L,V]` after each token of one text."""
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0]


def teacher_forced(model: Any, prompt: Sequence[int], tokens: Sequence[int], temperature: float = 1.0) -> Tensor:
    """Log probability `[T]` of each token after the prompt."""
    logits_TV = next_logits(model, [*prompt, *tokens])[len(prompt) - 1 : -1] / temperature
    return logits_TV.log_softmax(-1).gather(-1, torch.tensor(tokens)[:, None])[:, 0]


def text(tokens: Sequence[int]) -> str:
    """Text of the tiny model's tokens, marks included."""
    return str(DECODER.decode(list(tokens), skip_special_tokens=False, clean_up_tokenization_spaces=False))


def goodness(observed_V: Tensor, expected_V: Tensor) -> float:
    """p-value of the counts, the cells that expect fewer than 5 pooled into one."""
    rare = expected_V < 5
    observed, expected = (
        torch.cat((x[~rare], x[rare].sum()[None])) if rare.any() else x for x in (observed_V, expected_V)
    )
    return float(chisquare(observed.numpy(), expected.numpy()).pvalue)


class SamplerContract:
    """Inherited by the tests of every sampler."""

    def sampler(self, folder: Path, *, stop: Sequence[int] = (END,)) -> Sampler:
        """A sampler of the model in `folder`, in fp32, that decodes as `text` does."""
        raise NotImplementedError

    def sample(self, folder: Path, prompts: Any, streams: Any, **params: Any) -> dict[tuple[int, int], Sample]:
        """Every sample by (prompt, stream); none may come twice."""
        found = list(self.sampler(folder).sample(prompts, SamplingParams(**params), streams))
        by_place = {(s.prompt, s.sample): s for s in found}
        assert len(by_place) == len(found)
        return by_place

    def test_it_is_a_sampler(self, tiny: Path):
        assert isinstance(self.sampler(tiny), Sampler)

    def test_each_stream_comes_back_exactly_once(self, tiny: Path):
        found = self.sample(tiny, PROMPTS, STREAMS, max_tokens=3)
        assert sorted(found) == [(0, 0), (0, 1), (1, 0), (3, 0), (3, 1), (3, 2)]
        assert self.sample(tiny, [], [], max_tokens=3) == {}

    @pytest.mark.parametrize("temperature", [1.0, 0.6])
    def test_logprobs_are_those_of_a_plain_forward(self, tiny: Path, temperature: float):
        model = reference(tiny)
        found = self.sample(tiny, PROMPTS, STREAMS, max_tokens=24, temperature=temperature)
        for (prompt, _), sample in found.items():
            expected = teacher_forced(model, PROMPTS[prompt], sample.tokens, temperature)
            torch.testing.assert_close(torch.tensor(sample.logprobs), expected, atol=1e-5, rtol=0)

    def test_greedy_is_transformers_generate(self, tiny: Path):
        model = reference(tiny)
        found = self.sample(tiny, PROMPTS, [["a"]] * len(PROMPTS), max_tokens=40, temperature=0.0)
        for i, prompt in enumerate(PROMPTS):
            ids = torch.tensor([prompt])
            out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, do_sample=False)
            assert found[i, 0].tokens == tuple(out[0, len(prompt) :].tolist())
            expected = teacher_forced(model, prompt, found[i, 0].tokens)
            torch.testing.assert_close(torch.tensor(found[i, 0].logprobs), expected, atol=1e-5, rtol=0)

    def test_a_stream_gives_the_same_text_whatever_batch_draws_it(self, tiny: Path):
        together = self.sample(tiny, PROMPTS, STREAMS, max_tokens=30)
        backwards = self.sample(tiny, PROMPTS[::-1], STREAMS[::-1], max_tokens=30)
        for (prompt, stream), sample in together.items():
            alone = self.sample(tiny, [PROMPTS[prompt]], [[STREAMS[prompt][stream]]], max_tokens=30)
            assert sample.tokens == alone[0, 0].tokens == backwards[len(PROMPTS) - 1 - prompt, stream].tokens

    def test_different_streams_differ(self, tiny: Path):
        found = self.sample(tiny, [(7, 8)], [[f"stream {i}" for i in range(20)]], max_tokens=20)
        assert len({sample.tokens for sample in found.values()}) == 20

    def test_it_ends_at_a_stop_token_or_at_max_tokens(self, tiny: Path):
        stop = range(0, 260, 8)
        params, streams = SamplingParams(max_tokens=12), [[f"{i}" for i in range(16)]] * len(PROMPTS)
        samples = list(self.sampler(tiny, stop=stop).sample(PROMPTS, params, streams))
        for sample in samples:
            assert len(sample.tokens) == len(sample.logprobs)
            assert not set(sample.tokens[:-1]) & set(stop)
            assert sample.ended == (sample.tokens[-1] in stop)
            assert sample.ended or len(sample.tokens) == 12
        assert {sample.ended for sample in samples} == {True, False}
        assert {len(sample.tokens) for sample in samples} >= {1, 2, 3, 12}

    def test_a_prompt_beyond_the_context_is_the_users_mistake(self, tmp_path: Path):
        sampler = self.sampler(make_tiny(tmp_path, layers=1, context=16))
        fitting = list(sampler.sample([(5,) * 10], SamplingParams(max_tokens=6), [["a"]]))
        assert len(fitting) == 1
        with pytest.raises(PonderError, match=r"prompt of 11 tokens with max_tokens = 6: .* 16"):
            list(sampler.sample([(5,), (5,) * 11], SamplingParams(max_tokens=6), [["a"], ["a"]]))

    def test_refit_continues_with_the_new_weights(self, tiny: Path, tmp_path: Path):
        other = make_tiny(tmp_path, seed=1)
        weights = {name: dict(reference(folder).named_parameters()) for name, folder in (("old", tiny), ("new", other))}
        sampler, params = self.sampler(tiny), SamplingParams(max_tokens=12)

        def text() -> list[Sample]:
            return sorted(sampler.sample(PROMPTS, params, STREAMS), key=lambda s: (s.prompt, s.sample))

        texts = [text()]
        for version, name in enumerate(("new", "new", "old"), start=1):
            sampler.refit({key: weight.detach() for key, weight in weights[name].items()}, version)
            texts.append(text())
        fresh = self.sampler(other).sample(PROMPTS, params, STREAMS)
        assert texts[1] == sorted(fresh, key=lambda s: (s.prompt, s.sample))
        assert [one == next_one for one, next_one in pairwise(texts)] == [False, True, False]
        assert texts[0] == texts[3]

    @pytest.mark.parametrize("temperature", [1.0, 0.25])
    def test_draws_are_distributed_as_the_softmax(self, tiny: Path, temperature: float):
        counts_V, exact_V = self.first_draws(tiny, temperature=temperature)
        assert goodness(counts_V, exact_V * N_DRAWS) > 0.01
        assert goodness(counts_V, N_DRAWS * exact_V.sqrt() / exact_V.sqrt().sum()) < 1e-6

    @pytest.mark.parametrize("changes", [{"top_p": 0.3}, {"min_p": 0.25}, {"top_p": 0.5, "min_p": 0.25}])
    def test_truncated_draws_are_distributed_as_what_is_left_of_the_softmax(
        self, tiny: Path, changes: dict[str, float]
    ):
        counts_V, exact_V = self.first_draws(tiny, temperature=0.5, **changes)
        kept_V = exact_V >= changes.get("min_p", 0.0) * exact_V.max()
        order = (exact_V * kept_V).argsort(descending=True)
        before = (exact_V * kept_V)[order].cumsum(0) - (exact_V * kept_V)[order]
        kept_V[order[before >= changes.get("top_p", 1.0) * (exact_V * kept_V).sum()]] = False
        assert 3 < kept_V.sum() < 200 and counts_V[~kept_V].sum() == 0
        assert goodness(counts_V[kept_V], N_DRAWS * exact_V[kept_V] / exact_V[kept_V].sum()) > 0.01

    def first_draws(self, folder: Path, **params: float) -> tuple[Tensor, Tensor]:
        """How often each token was drawn first `[V]`, and its exact probability `[V]` without truncation."""
        prompt, streams = PROMPTS[0], [f"{i}" for i in range(N_DRAWS)]
        found = self.sample(folder, [prompt], [streams], max_tokens=1, **params)
        counts_V = torch.bincount(torch.tensor([s.tokens[0] for s in found.values()]), minlength=260).double()
        return counts_V, (next_logits(reference(folder), prompt)[-1].double() / params["temperature"]).softmax(-1)

    def test_a_stop_text_ends_a_completion(self, tiny: Path):
        free = self.sample(tiny, PROMPTS[:1], [MANY], max_tokens=40)
        stop = tuple({pair for s in free.values() if (pair := text(s.tokens[17:19])).isascii() and len(pair) == 2})
        found = self.sample(tiny, PROMPTS[:1], [MANY], max_tokens=40, stop=stop)
        for place, sample in found.items():
            assert sample.tokens == free[place].tokens[: len(sample.tokens)] and not sample.forced
            assert not [pair for pair in stop if pair in text(sample.tokens[:-1])]
            assert sample.stop in ("", *stop) and sample.ended == (text(sample.tokens).endswith((*stop, "<|end|>")))
            assert not sample.stop or text(sample.tokens).endswith(sample.stop)
        assert sum(bool(sample.stop) for sample in found.values()) >= 5

    @pytest.mark.parametrize("opened", [True, False])
    @pytest.mark.parametrize(("least", "most"), [(0, 9), (9, 9), (11, None), (0, 0), (4, 12)])
    def test_thinking_is_as_long_as_it_may_and_must_be(self, tiny: Path, opened: bool, least: int, most: int | None):
        model = reference(tiny)
        for place, free, close in self.closing_early(tiny):
            first = "" if opened else free[:1]
            limits = ThinkingLimits(
                at_least=least,
                at_most=most,
                opened=opened,
                open=first,
                close=close,
                closing=tuple(DECODER(close)["input_ids"]),
                resume=tuple(DECODER("...")["input_ids"]),
            )
            params = SamplingParams(max_tokens=50, thinking=limits)
            (sample,) = self.sampler(tiny).sample(PROMPTS[:1], params, [[place]])
            together = self.sampler(tiny).sample(PROMPTS[:2], params, [["x", place], ["y"]])
            together = {(s.prompt, s.sample): s for s in together}
            assert (sample.tokens, sample.forced) == (together[0, 1].tokens, together[0, 1].forced)
            pieces = [text([token]) for token in sample.tokens]
            count, closed = inside(pieces, first, close, opened)
            assert least <= count and (most is None or (closed and count <= most))
            assert set("".join(pieces[i] for i in sample.forced)) <= {".", close}
            natural = CLOSED_AT - (not opened)
            assert bool(sample.forced) == (natural < least or (most is not None and natural > most))
            expected = teacher_forced(model, PROMPTS[0], sample.tokens)
            torch.testing.assert_close(torch.tensor(sample.logprobs), expected, atol=1e-5, rtol=0)

    def closing_early(self, folder: Path) -> list[tuple[str, str, str]]:
        """Streams of the first prompt, what they say, and the letter at `CLOSED_AT` that did not come before."""
        found = self.sample(folder, PROMPTS[:1], [MANY], max_tokens=20)
        said = {MANY[stream]: [text([token]) for token in sample.tokens] for (_, stream), sample in found.items()}
        fit = [
            (stream, "".join(pieces), pieces[CLOSED_AT])
            for stream, pieces in said.items()
            if len(pieces) > CLOSED_AT and {pieces[0], pieces[CLOSED_AT]} <= set(ascii_letters)
            if pieces[CLOSED_AT] not in pieces[:CLOSED_AT]
        ]
        assert len(fit) > 2
        return fit

    def test_limits_that_never_matter_change_nothing(self, tiny: Path):
        limits = ThinkingLimits(at_most=500, opened=True, closing=(1,))
        plain = self.sample(tiny, PROMPTS, STREAMS, max_tokens=30)
        assert self.sample(tiny, PROMPTS, STREAMS, max_tokens=30, thinking=limits) == plain

    @pytest.mark.parametrize(
        ("changes", "line"),
        [
            ({"max_tokens": 0}, "max_tokens = 0: must be at least 1"),
            ({"temperature": -0.5}, "temperature = -0.5: must be 0 or more"),
            ({"temperature": float("nan")}, "temperature = nan: must be 0 or more"),
            ({"top_p": 0.0}, "top_p = 0: must be above 0 and at most 1"),
            ({"min_p": 1.5}, "min_p = 1.5: must lie in [0, 1]"),
            ({"stop": ("",)}, "stop: a stop text must not be empty"),
            ({"thinking": ThinkingLimits(at_least=-1)}, "think_at_least = -1: must be 0 or more"),
            (
                {"thinking": ThinkingLimits(at_least=5, at_most=4)},
                "think_at_most = 4: must be at least think_at_least = 5",
            ),
        ],
    )
    def test_what_nothing_can_be_drawn_with_is_the_users_mistake(self, tiny: Path, changes: dict[str, Any], line: str):
        params: dict[str, Any] = {"max_tokens": 4} | changes
        with pytest.raises(PonderError) as raised:
            list(self.sampler(tiny).sample([(5,)], SamplingParams(**params), [["a"]]))
        assert str(raised.value) == line
