"""Whole steps of reinforcement learning beside TRL, and the learning alone beside its floor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.cold_start import RECIPE
from benchmarks.context import Context
from benchmarks.figures import Ratio
from benchmarks.models import SIZES, Prompts, random_words
from benchmarks.prompts import of_recipe, worded
from benchmarks.store import Outcome
from benchmarks.works.sampling import GROUP, sampling_job
from benchmarks.works.side_by_side import side_by_side
from ponder.recipes.load import load_recipe

LEARNING_RATE = 1e-6
"""Of forced work, whose rewards teach nothing."""
NATURAL = (
    "lengths are natural: token counts may differ, and both start every repeat from the same weights",
    "ponder leaves groups of equal rewards out, whose gradient is 0, and TRL computes them: `groups_learned` in "
    "`raw.json` counts those that ponder learned from",
)
"""What to know of natural steps."""


def trl_job(job: dict[str, Any], prompts: Prompts, *, micro: Sequence[int]) -> dict[str, Any]:
    """The same forced work for TRL, with sizes of micro-batches to choose from."""
    return job | {
        "texts": prompts.texts,
        "references": [""] * len(prompts.texts),
        "asked": len(prompts.texts),
        "steps": 1,
        "forced": True,
        "micro": list(micro),
        "learning_rate": LEARNING_RATE,
    }


def step_ratio(name: str, work: str) -> Ratio:
    """TRL's seconds of a step over ponder's."""
    query = f"{work}: TRL's seconds / ponder's for the same steps (sample, reward, learn), round by round; median, "
    return Ratio(name=name, above="trl", below="ponder", query=query + "least and largest")


def step_smollm2(context: Context) -> Outcome:
    """One step on the work of sampling_64."""
    prompts = worded(context.model, context.pick(16, 2))
    job = sampling_job(context, prompts, tokens=context.pick(128, 8)) | {"kind": "step"}
    memory = Ratio(
        name="ratio.memory.trl",
        above="ponder",
        below="trl",
        quantity="peak_bytes",
        query="step_smollm2: ponder's peak resident memory during a step / TRL's, round by round",
    )
    trl = trl_job(job, prompts, micro=context.pick((4, 8, 16, 32), (4, 8)))
    figures = [step_ratio("ratio.step.trl", "step_smollm2"), memory]
    return side_by_side(context, "step_smollm2", {"ponder": job, "trl": trl}, figures)


def step_tiny(context: Context) -> Outcome:
    """One step of 64 prompts x 4, 64 tokens, of a random Llama of 4 million weights."""
    prompts = random_words(SIZES["4M"], prompts=context.pick(64, 4), length=60)
    job = sampling_job(context, prompts, tokens=context.pick(64, 8))
    job |= {"kind": "step", "model": str(context.random_model("4M"))}
    trl = trl_job(job, prompts, micro=context.pick((16, 32, 64, 128), (8, 16)))
    return side_by_side(
        context, "step_tiny", {"ponder": job, "trl": trl}, [step_ratio("ratio.step_tiny.trl", "step_tiny")]
    )


def step_natural(context: Context) -> Outcome:
    """The quickstart's first RL steps from its cold-started model; completions end where the model ends them."""
    steps = context.pick(3, 1)
    settings = [*context.settings, *context.pick([], ["rl.problems=4", "rl.group_size=2", "rl.max_tokens=8"])]
    rl = load_recipe(RECIPE, settings).rl
    assert rl, "the quickstart has reinforcement learning"
    prompts, references = of_recipe(RECIPE, context.cold_started, steps, settings)
    job = {
        "kind": "natural",
        "model": str(context.cold_started),
        "dtype": context.dtype,
        "recipe": str(RECIPE),
        "settings": settings,
        "steps": steps,
    }
    trl = trl_job(job, prompts, micro=context.pick((8, 16, 32), (4, 8))) | {
        "prompts": prompts.tokens,
        "references": references,
        "asked": rl.problems,
        "group": rl.group_size,
        "tokens": rl.max_tokens,
        "steps": steps,
        "forced": False,
        "learning_rate": rl.learning_rate,
    }
    ratio = step_ratio("ratio.step_natural.trl", f"step_natural, {steps} steps a repeat")
    return side_by_side(context, "step_natural", {"ponder": job, "trl": trl}, [ratio], NATURAL)


def learner(context: Context) -> Outcome:
    """Learning from the completions of sampling_64's work, beside the matrix products that cannot be saved."""
    prompts = worded(context.model, context.pick(16, 2))
    job = sampling_job(context, prompts, tokens=context.pick(128, 8)) | {"kind": "learner"}
    completions = GROUP * len(prompts.tokens)
    floor = {
        "kind": "learner",
        "model": job["model"],
        "dtype": job["dtype"],
        "least": context.pick(6.0, 0.5),
        "layer_positions": prompts.positions + completions * (job["tokens"] - 1),
        "head_positions": completions * job["tokens"],
    }
    share = Ratio(
        name="share.learner_floor",
        above="floor",
        below="ponder",
        unit="share",
        query="learner: seconds of the bare matrix products, forward and both gradients / ponder's seconds of a "
        "learning step, round by round: all layers over each prompt once and every token but the last, the head over "
        "completion tokens only, at the rate that shapes of 1,024 rows reach in this run",
    )
    return side_by_side(context, "learner", {"ponder": job, "floor": floor}, [share])
