"""The words of ponder as enumerations and frozen records, and the seams as protocols.

Standard library only: everything else may import this, and this imports nothing of ponder.
"""

from ponder.types.records import (
    Asking,
    Branch,
    Cell,
    Completion,
    Lesson,
    LossChoice,
    Message,
    Problem,
    Reply,
    Rollout,
    Sample,
    SamplingParams,
    Submission,
    ThinkingLimits,
    Verdict,
    VerifierChoice,
)
from ponder.types.seams import (
    Attack,
    Domain,
    Learner,
    Respondent,
    Sampler,
    Scorer,
    Verifier,
)
from ponder.types.words import (
    THINK_IN,
    Mode,
    Outcome,
    PonderError,
    Role,
    Status,
    Tier,
)

__all__ = [
    "THINK_IN",
    "Asking",
    "Attack",
    "Branch",
    "Cell",
    "Completion",
    "Domain",
    "Learner",
    "Lesson",
    "LossChoice",
    "Message",
    "Mode",
    "Outcome",
    "PonderError",
    "Problem",
    "Reply",
    "Respondent",
    "Role",
    "Rollout",
    "Sample",
    "Sampler",
    "SamplingParams",
    "Scorer",
    "Status",
    "Submission",
    "ThinkingLimits",
    "Tier",
    "Verdict",
    "Verifier",
    "VerifierChoice",
]
