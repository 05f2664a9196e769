from __future__ import annotations

import pytest
import torch

from ponder.engine.draw import BLOCK, draw, invert, nucleus, truncated, uniforms
from ponder.types import PonderError, SamplingParams

LAST = 1 - 2**-24
"""The largest uniform number there is in float32."""


def drawn(logits_BV: torch.Tensor, temperature: float, uniforms_B: torch.Tensor, **changes: float):
    """One token a row, none of them put there."""
    params = SamplingParams(max_tokens=1, temperature=temperature, **changes)  # pyright: ignore[reportArgumentType]
    return draw(logits_BV, params, uniforms_B, torch.full((len(logits_BV),), -1))


def index(masses: list[float] | torch.Tensor, *uniform: float) -> list[int]:
    """Where each uniform number falls in one row of masses."""
    row = torch.as_tensor(masses, dtype=torch.float32)
    return invert(row.repeat(len(uniform), 1), torch.tensor(uniform)).tolist()


def test_an_index_owns_its_share_of_the_interval():
    masses = [0.0, 1.0, 0.0, 2.0, 1.0, 0.0]
    assert index(masses, 0.0, 0.2499, 0.25, 0.7499, 0.75, LAST) == [1, 1, 3, 3, 4, 4]


def test_masses_need_not_sum_to_one():
    assert index([3e-8, 1e-8], 0.7499, 0.7501) == index([3e8, 1e8], 0.7499, 0.7501) == [0, 1]


def test_rows_are_drawn_on_their_own():
    masses = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 5.0], [1.0, 1.0, 2.0]])
    assert invert(masses, torch.tensor([0.9, 0.0, 0.3])).tolist() == [0, 2, 1]


@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 1000])
def test_equal_masses_make_it_a_ruler(size: int):
    middles = [(i + 0.5) / size for i in range(size)]
    assert index(torch.ones(size), *middles) == list(range(size))
    assert index(torch.ones(size), 0.0, LAST) == [0, size - 1]


@pytest.mark.parametrize("place", [0, BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK + 7])
def test_a_single_mass_is_always_taken(place: int):
    masses = torch.zeros(2 * BLOCK + 8)
    masses[place] = 0.3
    assert index(masses, 0.0, 0.1, 0.5, 0.999, LAST) == [place] * 5


def test_empty_blocks_are_passed_over():
    masses = torch.zeros(5 * BLOCK)
    masses[BLOCK + 3], masses[3 * BLOCK + 9] = 1.0, 3.0
    assert index(masses, 0.0, 0.2499, 0.25, LAST) == [BLOCK + 3, BLOCK + 3, 3 * BLOCK + 9, 3 * BLOCK + 9]


def test_what_has_no_mass_is_never_drawn():
    """Block sums are float32 and the sums inside a block float64: the edge between them must not leak."""
    generator = torch.Generator().manual_seed(0)
    masses = torch.rand(400, 2 * BLOCK, generator=generator) ** 8
    masses[torch.rand(masses.shape, generator=generator) < 0.5] = 0.0
    masses[:, BLOCK - 40 : BLOCK] = 0.0
    masses[:, -40:] = 0.0
    shares = masses[:, :BLOCK].sum(-1, dtype=torch.float64) / masses.sum(-1, dtype=torch.float64)
    for uniform in (torch.zeros(400), torch.full((400,), LAST), shares.float(), (shares - 2**-25).float()):
        drawn = invert(masses, uniform.clamp(max=LAST))
        assert masses.gather(1, drawn[:, None]).min() > 0


def test_uniforms_depend_on_the_name_alone():
    assert torch.equal(uniforms("1/train/0/chains/0", 9), uniforms("1/train/0/chains/0", 9))
    assert torch.equal(uniforms("stream", 9)[:5], uniforms("stream", 5))
    assert not torch.equal(uniforms("stream", 5), uniforms("Stream", 5))
    assert uniforms("stream", 5).dtype == torch.float32


def test_uniforms_are_uniform():
    many = torch.cat([uniforms(str(i), 20) for i in range(500)])
    assert many.min() >= 0 and many.max() < 1
    assert many.mean().item() == pytest.approx(0.5, abs=0.01)
    assert (many < 0.1).float().mean().item() == pytest.approx(0.1, abs=0.01)


def test_logprobs_are_those_of_the_tempered_softmax():
    logits = torch.tensor([[0.0, 1.0, 2.0]]).log()  # chances 0, 1/3 and 2/3
    for uniform, token, logprob in ((0.2, 1, 1 / 3), (0.4, 2, 2 / 3)):
        tokens, logprobs = drawn(logits, 1.0, torch.tensor([uniform]))
        assert tokens.item() == token and logprobs.exp().item() == pytest.approx(logprob)
    tokens, logprobs = drawn(logits, 0.5, torch.tensor([0.21]))  # chances 0, 1/5 and 4/5
    assert tokens.item() == 2 and logprobs.exp().item() == pytest.approx(4 / 5)


def test_temperature_zero_takes_the_likeliest_and_tells_its_plain_chance():
    logits = torch.tensor([[1.0, 2.0, 5.0], [4.0, 3.0, 1.0]]).log().bfloat16()
    tokens, logprobs = drawn(logits, 0.0, torch.tensor([0.0, 0.9]))
    assert tokens.tolist() == [2, 0] and logprobs.dtype == torch.float32
    assert logprobs.exp().tolist() == pytest.approx([5 / 8, 4 / 8], abs=0.01)


def test_a_draw_far_from_the_likeliest_has_an_exact_logprob():
    logits = torch.tensor([[30.0, 0.0, 29.0]])
    tokens, logprobs = drawn(logits, 2.0, torch.tensor([0.62]))  # chances e^15, 1 and e^14.5 over their sum
    assert tokens.item() == 0
    torch.testing.assert_close(logprobs, (logits / 2).log_softmax(-1)[:, 0])
    tokens, logprobs = drawn(logits, 1.0, torch.tensor([0.7311]))
    assert logprobs.item() == pytest.approx(logits.log_softmax(-1)[0, tokens[0]].item(), rel=1e-5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_model_that_has_diverged_is_the_users_mistake(bad: float, temperature: float):
    logits = torch.zeros(2, 300)
    logits[1, 7] = bad
    with pytest.raises(PonderError, match=r"^logits are not finite: .*; lower learning_rate$"):
        drawn(logits, temperature, torch.tensor([0.1, 0.2]))


def test_a_masked_token_is_never_drawn():
    logits = torch.tensor([[0.0, -torch.inf, 0.0, -torch.inf]])
    assert [drawn(logits, 1.0, torch.tensor([u]))[0].item() for u in (0.0, 0.49, 0.5, LAST)] == [0, 0, 2, 2]


def test_the_logits_are_left_as_they_were():
    logits = torch.tensor([[1.0, 2.0]])
    for temperature in (0.0, 1.0, 0.5):
        drawn(logits, temperature, torch.tensor([0.5]))
    assert logits.tolist() == [[1.0, 2.0]]


MASSES = torch.tensor([[0.25, 1.0, 0.0625, 0.5, 0.1875]])
"""Shares 1/8, 1/2, 1/32, 1/4 and 3/32 of 2."""


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"min_p": 0.25}, [0, 1, 3]),
        ({"min_p": 0.26}, [1, 3]),
        ({"min_p": 1.0}, [1]),
        ({"top_p": 0.5}, [1]),
        ({"top_p": 0.51}, [1, 3]),
        ({"top_p": 0.875}, [0, 1, 3]),
        ({"top_p": 0.876}, [0, 1, 3, 4]),
        ({"top_p": 1e-9}, [1]),
        ({"top_p": 0.6, "min_p": 0.3}, [1]),  # of what min_p leaves, 1.5
    ],
)
def test_truncation_by_hand(changes: dict[str, float], kept: list[int]):
    found = truncated(MASSES, SamplingParams(max_tokens=1, **changes))  # pyright: ignore[reportArgumentType]
    assert found[0].nonzero()[:, 0].tolist() == kept
    assert torch.equal(found[0, kept], MASSES[0, kept])


@pytest.mark.parametrize("top_p", [0.1, 0.5, 0.9, 0.999])
def test_the_nucleus_of_a_wide_flat_vocabulary_is_found_without_sorting_it_all(top_p: float):
    masses = torch.rand(3, 5000, generator=torch.Generator().manual_seed(0)) ** 4
    highest = masses.sort(descending=True).values
    sizes = (highest.double().cumsum(-1) < top_p * masses.double().sum(-1, keepdim=True)).sum(-1)
    assert torch.equal(nucleus(masses, top_p)[:, 0], highest[torch.arange(3), sizes])


def test_logprobs_do_not_know_of_the_truncation():
    logits = torch.randn(6, 40, generator=torch.Generator().manual_seed(0))
    tokens, logprobs = drawn(logits, 0.7, torch.full((6,), 0.99), top_p=0.3, min_p=0.1)
    expected = (logits / 0.7).log_softmax(-1).gather(-1, tokens[:, None])[:, 0]
    torch.testing.assert_close(logprobs, expected, atol=1e-5, rtol=0)


def test_what_is_put_there_is_not_drawn_and_has_its_own_logprob():
    logits = torch.tensor([[0.0, 2.0, 1.0]] * 2)
    tokens, logprobs = draw(
        logits, SamplingParams(max_tokens=1, temperature=0.0), torch.zeros(2), torch.tensor([-1, 0])
    )
    assert tokens.tolist() == [1, 0]
    torch.testing.assert_close(logprobs, logits.log_softmax(-1)[0, [1, 0]])
