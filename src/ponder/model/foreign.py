"""Any other causal model of transformers behind the face that the engine knows: slower, and right.

Shapes: B or R rows, L positions, V vocabulary, T tokens of a text.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ponder.model.devices import CPU
from ponder.model.language import Room, Tree
from ponder.types import PonderError

Held = tuple[int | None, int]
"""A row of the state: which continuation it is, None for the prompt alone, and the place of its prompt."""
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
    def load(cls, folder: Path, *, dtype: torch.dtype, device: torch.device = CPU, reason: str) -> Foreign:
        """The model in a folder; raises PonderError where transformers knows none."""
        from transformers import AutoModelForCausalLM  # seconds to import, and few get here

        try:
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
        except (ImportError, KeyError, OSError, RuntimeError, ValueError) as error:
            line = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise PonderError(
                f"model {folder}: {reason}, and transformers cannot load it either ({line}); take a causal model"
            ) from None
        return cls(model.to(device), reason)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.model.device

    @property
    def context(self) -> int:
        """Longest text, in tokens."""
        config = self.model.config.get_text_config()
        names = ("max_position_embeddings", "n_positions", "n_ctx")
        return next((limit for name in names if (limit := getattr(config, name, None))), UNBOUNDED)

    def memory(self, room: Room) -> Texts:
        """See `ponder.model.language.LanguageModel`."""
        return Texts(self.model, room)

    def read(self, tokens_RL: Tensor, positions_RL: Tensor, tree: Tree) -> Tensor:
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

    def __init__(self, model: Any, room: Room) -> None:
        self.model = model
        self.prompts: dict[int, tuple[int, ...]] = {}
        """By place."""
        self.place: dict[int, int] = {}
        """Of the prompt that each row goes on from."""
        self.own: dict[int, list[int]] = {}
        """What each row has read since."""
        self.state: Any = None
        """What transformers remembers of `held`; None where they must be read anew."""
        self.held: list[Held] = []
        """Rows of the state."""
        parameters = inspect.signature(model.forward).parameters
        self.takes_positions = "position_ids" in parameters
        self.state_name = "cache" if "cache" in parameters else "past_key_values"
        """What transformers calls it: the former since 5.24."""
        self.keeps_state = not getattr(model, "_is_stateful", False)

    def read(self, places: Sequence[int], prompts: Sequence[Sequence[int]]) -> Tensor:
        """See `ponder.model.language.Memory`."""
        self.prompts |= {place: tuple(prompt) for place, prompt in zip(places, prompts, strict=True)}
        self.held = [(None, place) for place in places]
        return self._read_anew([self.prompts[place] for place in places])

    def seat(self, rows: Sequence[int], places: Sequence[int]) -> None:
        """See `ponder.model.language.Memory`."""
        for row, place in zip(rows, places, strict=True):
            self.place[row], self.own[row] = place, []

    def go_on(self, rows_B: Tensor, tokens_B: Tensor, at_B: Tensor) -> Tensor:
        """See `ponder.model.language.Memory`."""
        rows, places = rows_B.tolist(), at_B.tolist()
        appended = all(len(self.own[row]) == at for row, at in zip(rows, places, strict=True))
        before: list[Held] = [(row, self.place[row]) if self.own[row] else (None, self.place[row]) for row in rows]
        for row, token, at in zip(rows, tokens_B.tolist(), places, strict=True):
            self.own[row][at:] = [token]
        known = appended and self.state is not None and set(before) <= set(self.held)
        if known and before != self.held:
            self._take(self._tensor([self.held.index(one) for one in before]))
        self.held = [(row, self.place[row]) for row in rows]
        if known:
            return self._read_on(tokens_B[:, None].to(self.model.device))
        return self._read_anew([(*self.prompts[self.place[row]], *self.own[row]) for row in rows])

    def close(self) -> None:
        """Forget everything."""
        self.state = None

    def _take(self, rows_B: Tensor) -> None:
        self.state.batch_select_indices(rows_B)
        self.seen_BT = self.seen_BT[rows_B]

    def _read_on(self, tokens_B1: Tensor) -> Tensor:
        self.seen_BT = torch.cat((self.seen_BT, torch.ones_like(tokens_B1)), dim=1)
        return self._ask(tokens_B1, self.seen_BT)

    def _read_anew(self, texts: Sequence[Sequence[int]]) -> Tensor:
        width = max(map(len, texts))
        self.state = None
        self.seen_BT = self._tensor([[int(n >= width - len(text)) for n in range(width)] for text in texts])
        return self._ask(self._tensor([[0] * (width - len(text)) + list(text) for text in texts]), self.seen_BT)

    def _tensor(self, numbers: Sequence[object]) -> Tensor:
        return torch.tensor(numbers, device=self.model.device)

    def _ask(self, tokens_BL: Tensor, seen_BT: Tensor) -> Tensor:
        """Logits `[B,V]` after the last token of each row."""
        given: dict[str, Any] = {"input_ids": tokens_BL, "attention_mask": seen_BT, "use_cache": self.keeps_state}
        if self.takes_positions:
            given["position_ids"] = (seen_BT.cumsum(-1) - 1).clamp(min=0)[:, -tokens_BL.shape[1] :]
        if self.state is not None:
            given[self.state_name] = self.state
        found = self.model(**given)
        self.state = getattr(found, self.state_name) if self.keeps_state else None
        return found.logits[:, -1]
