"""Any other causal model of transformers behind the face that the engine knows: slower, and right.

Shapes: B or R rows, L positions, V vocabulary, T tokens of a text.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ponder.types import PonderError

UNBOUNDED = 2**30
"""Context of a model that names none."""


class Foreign:
    """A model of transformers; a `ponder.model.language.LanguageModel`.

    Its "hidden states" are its logits: some families scale or cap them after the head, so that only the whole model
    knows them.
    """

    shares_prompts = False

    def __init__(self, model: Any, reason: str) -> None:
        """`reason`: why the decoder does not compute it."""
        self.model, self.reason = model.eval(), reason

    @classmethod
    def load(cls, folder: Path, *, dtype: torch.dtype, reason: str) -> Foreign:
        """The model in a folder; raises PonderError where transformers knows none."""
        from transformers import AutoModelForCausalLM  # seconds to import, and few get here

        try:
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
        except (ImportError, KeyError, OSError, RuntimeError, ValueError) as error:
            line = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise PonderError(
                f"model {folder}: {reason}, and transformers cannot load it either ({line}); take a causal model"
            ) from None
        return cls(model, reason)

    @property
    def context(self) -> int:
        """Longest text, in tokens."""
        config = self.model.config.get_text_config()
        names = ("max_position_embeddings", "n_positions", "n_ctx")
        return next((limit for name in names if (limit := getattr(config, name, None))), UNBOUNDED)

    def cache(self, columns: int) -> Texts:
        """An empty memory of one row."""
        return Texts(self.model)

    def read(self, tokens_RL: Tensor, positions_RL: Tensor, mask_R1LL: Tensor) -> Tensor:
        """Logits `[R,L,V]` of rows that are one text each, padded on the right, where nothing reads on."""
        return self.model(input_ids=tokens_RL, use_cache=False).logits

    def logits(self, hidden: Tensor) -> Tensor:
        """The same: see the class."""
        return hidden

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Every weight by name."""
        return self.model.named_parameters()


class Texts:
    """What each row has read, as tokens; a `ponder.model.language.Memory`.

    Texts stand padded on the left, so that nothing lies between what a row has read and what it reads next: windows and
    positions are then those of the text alone. They are read anew when something is taken back, and at every token by
    models whose state cannot be shared out among rows.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.texts: list[dict[int, int]] = [{}]
        """Column -> token, for each row."""
        self.state: Any = None
        """What transformers remembers of them; None where they must be read anew."""
        self.takes_positions = "position_ids" in inspect.signature(model.forward).parameters
        self.keeps_state = not getattr(model, "_is_stateful", False)

    def extend(self, tokens_BL: Tensor, positions_BL: Tensor, *, at: int, text_BL: Tensor) -> Tensor:
        """Read `tokens_BL`; at each row's last new position what is returned `[B,L,V]` are its logits, as elsewhere."""
        for row, (tokens, text) in enumerate(zip(tokens_BL.tolist(), text_BL.tolist(), strict=True)):
            self.texts[row] |= {at + n: token for n, (token, real) in enumerate(zip(tokens, text, strict=True)) if real}
        one_each = tokens_BL.shape[1] == 1 and bool(text_BL.all())
        logits_BV = self._read_on(tokens_BL) if self.state is not None and one_each else self._read_anew()
        return logits_BV[:, None].expand(-1, tokens_BL.shape[1], -1)

    def forget(self, row: int, columns: slice) -> None:
        """Take back what a row has read in these columns."""
        for column in range(columns.start, columns.stop):
            self.texts[row].pop(column, None)
        self.state = None

    def take(self, rows_B: Tensor) -> None:
        """Keep these rows in this order; a row may be taken several times."""
        self.texts = [dict(self.texts[row]) for row in rows_B.tolist()]
        if self.state is not None:
            self.state.batch_select_indices(rows_B)
            self.seen_BT = self.seen_BT[rows_B]

    def _read_on(self, tokens_B1: Tensor) -> Tensor:
        self.seen_BT = torch.cat((self.seen_BT, torch.ones_like(tokens_B1)), dim=1)
        return self._ask(tokens_B1, self.seen_BT)

    def _read_anew(self) -> Tensor:
        width = max(map(len, self.texts))
        rows = [[0] * (width - len(text)) + [text[column] for column in sorted(text)] for text in self.texts]
        self.state = None
        self.seen_BT = torch.tensor([[int(n >= width - len(text)) for n in range(width)] for text in self.texts])
        return self._ask(torch.tensor(rows), self.seen_BT)

    def _ask(self, tokens_BL: Tensor, seen_BT: Tensor) -> Tensor:
        """Logits `[B,V]` after the last token of each row."""
        given: dict[str, Any] = {"input_ids": tokens_BL, "attention_mask": seen_BT, "use_cache": self.keeps_state}
        if self.takes_positions:
            given["position_ids"] = (seen_BT.cumsum(-1) - 1).clamp(min=0)[:, -tokens_BL.shape[1] :]
        if self.state is not None:
            given["past_key_values"] = self.state
        found = self.model(**given)
        self.state = found.past_key_values if self.keeps_state else None
        return found.logits[:, -1]
