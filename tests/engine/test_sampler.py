from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from contracts.sampler import END, PROMPTS, STREAMS, SamplerContract, text
from ponder.engine.sampler import LocalSampler
from ponder.model.checkpoint import load_decoder
from ponder.types import SamplingParams


class TestLocalSampler(SamplerContract):
    def sampler(self, folder: Path, *, stop: Sequence[int] = (END,)) -> LocalSampler:
        return LocalSampler(load_decoder(folder, dtype=torch.float32), stop=stop, decode=text)


def test_more_continuations_than_rows_are_written_in_turns(tiny: Path):
    decoder, params = load_decoder(tiny, dtype=torch.float32), SamplingParams(max_tokens=30)
    few, many = (LocalSampler(decoder, stop=[END], rows=rows).sample(PROMPTS, params, STREAMS) for rows in (2, 256))
    texts = [{(s.prompt, s.sample): s.tokens for s in samples} for samples in (few, many)]
    assert texts[0] == texts[1]


def test_weights_shared_with_a_learner_are_read_as_they_are(tiny: Path):
    decoder = load_decoder(tiny, dtype=torch.float32)
    sampler, params = LocalSampler(decoder, stop=[END]), SamplingParams(max_tokens=20)
    before = list(sampler.sample(PROMPTS, params, STREAMS))
    with torch.no_grad():
        for weight in decoder.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    sampler.refit(dict(decoder.named_parameters()), 1)
    assert list(sampler.sample(PROMPTS, params, STREAMS)) != before


def test_in_bfloat16_logprobs_stay_near_those_in_float32(tiny: Path):
    params, streams = SamplingParams(max_tokens=16), [["a"]] * len(PROMPTS)
    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        sampler = LocalSampler(load_decoder(tiny, dtype=dtype), stop=[END])
        samples = sorted(sampler.sample(PROMPTS, params, streams), key=lambda s: s.prompt)
        found[dtype] = torch.tensor([sample.logprobs[0] for sample in samples])
    torch.testing.assert_close(found[torch.bfloat16], found[torch.float32], atol=0.05, rtol=0)


def test_it_keeps_the_version_and_refuses_weights_of_another_model(tiny: Path):
    sampler = LocalSampler(load_decoder(tiny, dtype=torch.float32), stop=[END])
    sampler.refit({}, 7)
    assert sampler.version == 7
    with pytest.raises(AssertionError, match="weights to refit are those of the model"):
        sampler.refit({"of.another": torch.zeros(1)}, 8)


def test_text_cannot_be_watched_without_being_decoded(tiny: Path):
    sampler = LocalSampler(load_decoder(tiny, dtype=torch.float32), stop=[END])
    with pytest.raises(AssertionError, match="give the sampler `decode`"):
        list(sampler.sample([(5,)], SamplingParams(max_tokens=4, stop=("x",)), [["a"]]))


def test_who_listens_hears_every_row_grow(tiny: Path):
    sampler = LocalSampler(load_decoder(tiny, dtype=torch.float32), stop=[END])
    heard: list[dict[tuple[int, int], tuple[int, ...]]] = []
    sampler.heard = lambda written: heard.append(dict(written))
    params = SamplingParams(max_tokens=12)
    samples = {(s.prompt, s.sample): s.tokens for s in sampler.sample(PROMPTS, params, STREAMS)}
    assert heard[0] == {place: tokens[:1] for place, tokens in samples.items()}
    last = {place: written[place] for written in heard for place in written}
    assert last == samples
