"""TRL's GRPOTrainer as a contestant: one optimiser step at a time, generation included."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from answers import right
from datasets import Dataset
from protocol import Run, fake_reward, serve, versions
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

ENDLESS = 1_000_000
"""Steps of a trainer that stops when nobody asks any more."""
SHARE = 0.85
"""Of the machine's memory that a trial may take."""


@dataclass(slots=True)
class Turns(TrainerCallback):
    """Lets the trainer make one step whenever it is asked for one, and takes its time."""

    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Given for each step."""
    done: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Given back after it."""
    seconds: float = 0.0
    """Of the last step: generation, rewards, loss and update."""
    began: float = 0.0
    """When it began."""

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Wait for the turn; generation happens after this."""
        self.go.acquire()
        self.began = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """The update is made."""
        self.seconds = time.perf_counter() - self.began
        self.done.release()

    def step(self) -> float:
        """Have one step made; its seconds."""
        self.go.release()
        self.done.acquire()
        return self.seconds


@dataclass(slots=True)
class Rewards:
    """The reward function, which counts what it sees; TRL asks it once a step."""

    end: int
    """The token that ends a turn."""
    natural: bool
    """Whether answers are checked, or only tokens hashed."""
    tokens: int = 0
    """Seen since the last look."""
    total: float = 0.0
    """Paid since then."""
    rollouts: int = 0
    """How many."""

    def pay(
        self, completions: Sequence[str], completion_ids: Sequence[Sequence[int]], reference: Sequence[str], **_: Any
    ) -> list[float]:
        """One reward a completion; one that was cut gets none."""
        if self.natural:
            rows = zip(completions, completion_ids, reference, strict=True)
            paid = [float(ids[-1] == self.end and right(text, wanted)) for text, ids, wanted in rows]
        else:
            paid = [fake_reward(ids) for ids in completion_ids]
        self.tokens += sum(map(len, completion_ids))
        self.total += sum(paid)
        self.rollouts += len(paid)
        return paid

    def take(self) -> dict[str, Any]:
        """What was seen since the last look."""
        seen = {"tokens": self.tokens, "reward": self.total / max(1, self.rollouts)}
        self.tokens, self.total, self.rollouts = 0, 0.0, 0
        return seen


class Training:
    """A trainer in a thread of its own, which waits between its steps."""

    def __init__(self, job: Mapping[str, Any], micro: int) -> None:
        self.turns = Turns()
        self.model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=getattr(torch, job["dtype"]))
        tokenizer = AutoTokenizer.from_pretrained(job["model"])
        same = tokenizer(text=job["texts"])["input_ids"] == job["prompts"]
        assert same, "the prompts' texts do not become the same tokens here"
        self.rewards = Rewards(end=tokenizer.eos_token_id, natural=not job["forced"])
        columns = {"prompt": job["texts"], "reference": job["references"]}
        self.trainer = GRPOTrainer(
            model=self.model,
            reward_funcs=self.rewards.pay,
            args=config(job, micro),
            train_dataset=Dataset.from_dict(columns),
            processing_class=tokenizer,
            callbacks=[self.turns],
        )
        weights = {} if job["forced"] else dict(self.model.named_parameters())
        self.start = {name: weight.detach().clone() for name, weight in weights.items()}
        self.stepped = False
        self.thread = threading.Thread(target=self._train, daemon=True)
        self.thread.start()

    def step(self) -> float:
        """Seconds of one step."""
        self.stepped = True
        return self.turns.step()

    @torch.no_grad()
    def rewind(self) -> None:
        """Back to the first weights, and no moments; for natural completions, which depend on the weights."""
        if not self.stepped or not self.start:
            return
        for name, weight in self.model.named_parameters():
            weight.copy_(self.start[name])
        for state in self.trainer.optimizer.optimizer.state.values():
            for value in state.values():
                value.zero_()

    def _train(self) -> None:
        try:
            self.trainer.train()
        except BaseException:
            traceback.print_exc()
            os._exit(1)


def config(job: Mapping[str, Any], micro: int) -> GRPOConfig:
    """All completions of a step are generated at once and learned from in micro-batches, which is TRL's default."""
    forced = {"min_new_tokens": job["tokens"]} if job["forced"] else None
    return GRPOConfig(
        output_dir=tempfile.mkdtemp(prefix="trl-"),
        use_cpu=not torch.cuda.is_available(),
        bf16=job["dtype"] == "bfloat16",
        gradient_checkpointing=False,
        optim="adamw_torch_fused",
        learning_rate=job["learning_rate"],
        lr_scheduler_type="constant",
        max_steps=ENDLESS,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=job["asked"] * job["group"] // micro,
        num_generations=job["group"],
        num_iterations=1,
        beta=0.0,
        max_completion_length=job["tokens"],
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        generation_kwargs=forced,
        shuffle_dataset=False,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def fastest(job: Mapping[str, Any]) -> dict[int, float]:
    """Seconds of a step with each size of micro-batch that the memory holds, where there is a choice.

    Each is tried by a process of its own: what it leaves behind is not measured, and one that takes all memory ends.
    """
    if len(job["micro"]) == 1:
        return {job["micro"][0]: 0.0}
    took = {micro: trial({**job, "micro": [micro]}) for micro in job["micro"]}
    return {micro: seconds for micro, seconds in took.items() if seconds is not None}


def trial(job: Mapping[str, Any]) -> float | None:
    """Seconds of one repeat of the job; None where it does not get through it, however it ends after that."""
    asked = f"{json.dumps(job)}\n{json.dumps({'round': 0})}\n"
    done = subprocess.run(
        [sys.executable, __file__], input=asked, stdout=subprocess.PIPE, text=True, check=False, preexec_fn=bounded
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return next((answer["seconds"] for answer in answers if "seconds" in answer), None)


def bounded() -> None:
    """No more memory than the machine has for this, rather than somebody else's end."""
    if sys.platform == "linux":
        most = int(SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def prepare(job: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    """Find the fastest micro-batch, then get ready to step with it."""
    torch.set_num_threads(job["cores"])
    took = fastest(job)
    assert took, "no size of micro-batch fits into the memory"
    micro = min(took, key=lambda size: took[size])
    training = Training(job, micro)

    def run(_: Mapping[str, Any]) -> dict[str, Any]:
        training.rewind()
        training.rewards.take()
        return {"seconds": sum(training.step() for _ in range(job["steps"]))} | training.rewards.take()

    tried = ", ".join(f"{size}: {seconds:.1f} s" for size, seconds in took.items())
    return {
        "versions": versions("trl", "transformers", "torch"),
        "dtype": job["dtype"],
        "device": str(training.trainer.accelerator.device),
        "choice": f"micro-batch of {micro} ({tried})",
    }, run


if __name__ == "__main__":
    serve(prepare)
