"""Who is measured: a policy with its weights here, or what an endpoint serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ponder.engine.respondent import LocalRespondent
from ponder.engine.sampler import LocalSampler
from ponder.engine.scorer import LocalScorer
from ponder.engine.server import Server
from ponder.measure.served import Interviewer
from ponder.model.chat import Chat
from ponder.model.load import Model, save_model
from ponder.rollout import Examiner, Roller
from ponder.types import Learner


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Weights, and those who read, write and change them."""

    source: Path
    """Folder that the configuration and tokenizer come from."""
    model: Model
    """Weights that sampler and learner share."""
    chat: Chat
    """How it is spoken to."""
    sampler: LocalSampler
    """Writes."""

    def respondent(self) -> LocalRespondent:
        """The policy as somebody who is talked to, with the weights it has."""
        scorer, context = LocalScorer(self.model), self.model.context
        return LocalRespondent(self.source.name, chat=self.chat, sampler=self.sampler, scorer=scorer, context=context)

    @property
    def context(self) -> int:
        """Tokens that prompt and completion may have together."""
        return self.model.context

    def rolls(self, examiner: Examiner, *, seed: int, heard: Callable[[], None]) -> Roller:
        """Who makes its rollouts, when it is measured."""
        return Roller(sampler=self.sampler, chat=self.chat, examiner=examiner, seed=seed, heard=heard)

    def save(self, folder: Path, learner: Learner) -> None:
        """A whole checkpoint: a model folder that transformers loads, and the learner's state."""
        save_model(folder, self.model, like=self.source)
        learner.save(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is measured where the weights are behind an endpoint."""

    server: Server
    """Who answers."""
    context: int | None = None
    """Nobody tells."""

    def respondent(self) -> Server:
        """As somebody who is talked to."""
        return self.server

    def rolls(self, examiner: Examiner, *, seed: int, heard: Callable[[], None]) -> Interviewer:
        """Who makes its rollouts, when it is measured."""
        return Interviewer(respondent=self.server, examiner=examiner, seed=seed, heard=heard)
