import sys
from collections.abc import Mapping

import pytest
import torch

from ponder.model.dtypes import DTYPES, fastest

CASES = [
    ({"avx2": True, "avx512_f": False}, "linux", "float32"),
    ({"avx512_f": True, "avx512_bw": True, "avx512_bf16": False, "amx_bf16": False}, "linux", "float32"),
    ({"avx512_f": True, "avx512_bf16": True}, "linux", "bfloat16"),
    ({"amx_tile": True, "amx_bf16": True}, "linux", "bfloat16"),
    ({"neon": True, "bf16": True}, "linux", "bfloat16"),
    ({"neon": True, "bf16": False}, "linux", "float32"),
    ({"neon": True, "bf16": True}, "darwin", "float32"),
]


@pytest.mark.parametrize(("has", "system", "expected"), CASES)
def test_bfloat16_is_for_processors_that_multiply_it(
    has: Mapping[str, bool], system: str, expected: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    monkeypatch.setattr(sys, "platform", system)
    assert fastest() == expected


def test_it_is_one_that_a_model_can_compute_in_and_always_the_same():
    assert fastest() in DTYPES and len({fastest() for _ in range(10)}) == 1
