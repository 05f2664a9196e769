"""How families of models mark their thinking."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ponder.types import PonderError


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkingFormat:
    """The marks around the thinking, the white space a model writes beside them, and what its template does itself."""

    open: str = "<think>"
    """Opens the block; the first thing a completion says, if it thinks."""
    close: str = "</think>"
    """Closes it; the answer follows."""
    after_open: str = ""
    """White space between the opening mark and the thinking."""
    before_close: str = ""
    """White space between the thinking and the closing mark."""
    after_close: str = ""
    """White space between the closing mark and the answer."""
    opened: bool = False
    """Whether the template opens the block in every prompt, so that completions never hold the opening mark."""
    empty: bool = False
    """Whether a reply without thinking has an empty block."""
    off: Mapping[str, Any] = field(default_factory=dict)
    """Variables of the template that make it write an empty block into the prompt; none where it cannot."""

    @property
    def opening(self) -> str:
        """What opens a block."""
        return self.open + self.after_open

    @property
    def closing(self) -> str:
        """What closes it, up to the answer."""
        return self.before_close + self.close + self.after_close

    def split(self, text: str) -> tuple[str | None, str]:
        """Thinking (None without a block) and answer; an unclosed block has no answer."""
        if not text.lstrip().startswith(self.open):
            return None, text.strip()
        thinking, closed, answer = text.lstrip()[len(self.open) :].partition(self.close)
        return thinking.strip(), answer.strip() if closed else ""


OFF = {"enable_thinking": False}
"""What Qwen3's and SmolLM3's templates take."""
FORMATS: dict[str, ThinkingFormat] = {
    "plain": ThinkingFormat(),
    "qwen3": ThinkingFormat(after_open="\n", before_close="\n", after_close="\n\n", empty=True, off=OFF),
    "smollm3": ThinkingFormat(after_open="\n", before_close="\n", after_close="\n", empty=True, off=OFF),
    "deepseek_r1": ThinkingFormat(after_open="\n", before_close="\n", after_close="\n\n", opened=True, empty=True),
}
"""By the recipe's `model.thinking`. `plain` is what the cold start teaches a model that has no marks of its own; R1,
its distillates and QwQ have prompts that end with `<think>`."""


DAY = datetime(2024, 7, 26)
"""Today, to templates that write the date into the prompt: what Llama's own falls back on."""


def on_one_day(template: str) -> str:
    """The template with its clock stopped: what a policy reads, and so a run that is resumed, knows no date."""
    if "strftime_now" not in template:
        return template
    told = "".join(f"|replace('%{code}', '{DAY:%{code}}')" for code in "aAbBdHIjmMpSyY")
    return "{% macro strftime_now(form) %}{{ form" + told + " }}{% endmacro %}{{ '' }}" + template


def named(name: str) -> ThinkingFormat:
    """The format of this name."""
    if name not in FORMATS:
        near = difflib.get_close_matches(name, FORMATS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"take one of {', '.join(FORMATS)}"
        raise PonderError(f"model.thinking = {name!r}: no such format; {hint}")
    return FORMATS[name]


def detect(template: str, prompt: str) -> ThinkingFormat:
    """The format that a chat template and a prompt that it wrote give away."""
    if prompt.rstrip().endswith(FORMATS["deepseek_r1"].open):
        return replace(FORMATS["deepseek_r1"], off=OFF if "enable_thinking" in template else {})
    if "enable_thinking" not in template or "<think>" not in template:
        return FORMATS["plain"]
    return FORMATS["smollm3" if "/no_think" in template else "qwen3"]
