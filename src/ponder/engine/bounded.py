"""Thinking within a budget behind an endpoint: held by the server, or stopped and closed from here.

A server that knows `thinking_token_budget` (vLLM's name) closes the thinking itself. Some ignore the field without a
word, so what was thought is counted; one that thought longer is not relied on again. Then the thinking is asked for
alone, up to the budget and the closing mark, and the answer is asked for as its continuation. The least can only be
held that way: a mark that came too early is left out, and *Wait* stands in its place (arXiv:2501.19393).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ponder.engine.replies import MARKS, Body, thought
from ponder.engine.wire import Trouble
from ponder.model.chat import RESUME
from ponder.types import Asking, PonderError, Reply

SLACK = 4
"""Tokens over the budget that the marks, and a server's own way of closing, may take."""
SHARE = 1.25
"""How many times the budget an estimate by the share of the text may come to before it counts as more."""
ROUNDS = 8
"""Times that thinking which ended too early is gone on with."""
REFUSED = (400, 422)
"""HTTP's statuses for a field that a server does not take."""

Fields = dict[str, Any]
Send = Callable[[Fields], Body]
"""Sends a request; raises Trouble."""


class Holder:
    """Holds budgets with one server, and remembers whether the server can."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """`tell`: hears in one line, once, that the server does not hold budgets."""
        self.ignored = ""
        """Why the server is not relied on; '' as long as it is."""
        self._tell, self._lock = tell, threading.Lock()

    def reply(self, send: Send, fields: Mapping[str, Any], asking: Asking) -> Reply:
        """A reply within the budget; `fields`: the request as it would be without one."""
        if asking.think_at_least or self.ignored:
            return _stepwise(send, dict(fields), asking)
        try:
            body = send({**fields, "thinking_token_budget": asking.think_at_most})
        except Trouble as trouble:
            if trouble.code not in REFUSED:
                raise
            self._ignores(f"it refuses thinking_token_budget ({trouble.reason})")
            return _stepwise(send, dict(fields), asking)
        reply = body.reply(asking)
        over = _over(body, reply, asking)
        if over:
            self._ignores(over)
            spent = reply.tokens  # the first reply was paid for
            closed = _stepwise(send, dict(fields), asking)
            return replace(closed, tokens=closed.tokens + spent)
        return replace(reply, held_by="server")

    def _ignores(self, why: str) -> None:
        with self._lock:
            first, self.ignored = not self.ignored, self.ignored or why
        if first:
            self._tell(f"the server does not hold thinking budgets: {why}; thinking is closed for it from here on")


def check_asking(asking: Asking) -> None:
    """Raise PonderError for budgets that cannot be held."""
    least, most = asking.think_at_least, asking.think_at_most
    mistakes = {
        f"think_at_least = {least}: must be 0 or more": least < 0,
        f"think_at_most = {most}: must be at least think_at_least = {least}": most is not None and most < least,
        f"think_at_least = {least}: leaves no room for an answer in max_tokens = {asking.max_tokens}": (
            least >= asking.max_tokens
        ),
        f"think_at_most = {most}: leaves no room for an answer in max_tokens = {asking.max_tokens}": (
            most is not None and most >= asking.max_tokens
        ),
    }
    for mistake, made in mistakes.items():
        if made and asking.bounded:
            raise PonderError(mistake)


def _over(body: Body, reply: Reply, asking: Asking) -> str:
    """By how much the thinking is too long; '' where it is not, or nobody can tell."""
    most, tokens = asking.think_at_most, reply.thinking_tokens
    assert most is not None, "who is asked to hold a budget has one"
    allowed = most + SLACK if thought(body, reply.thinking, reply.answer)[1] else most * SHARE + SLACK
    return "" if tokens is None or tokens <= allowed else f"it thought {tokens} tokens where {most} were allowed"


def _stepwise(send: Send, fields: Fields, asking: Asking) -> Reply:
    """Thinking first, then the answer as its continuation."""
    most = asking.max_tokens * 3 // 4 if asking.think_at_most is None else asking.think_at_most
    text, written = _thinking(send, fields, asking, most)
    closed = f"{MARKS.open}\n{text}\n{MARKS.close}\n\n"
    left = max(1, asking.max_tokens - written)
    answered = send(_going_on(fields, closed) | {"max_tokens": left}).reply(replace(asking, think=False))
    return replace(
        answered,
        thinking=text.strip() or None,
        tokens=written + answered.tokens,
        thinking_tokens=written,
        held_by="closing",
    )


def _thinking(send: Send, fields: Fields, asking: Asking, most: int) -> tuple[str, int]:
    """Text of the thinking and its tokens, as many as the server says that it wrote."""
    plain = {key: value for key, value in fields.items() if key not in ("logprobs", "top_logprobs")}
    text, written = "", 0
    for _ in range(ROUNDS):
        if written >= most:
            break
        step = _going_on(plain, f"{MARKS.open}\n{text}") | {"max_tokens": most - written, "stop": [MARKS.close]}
        body = send(step)
        text, written = text + body.said, written + max(1, body.written)
        if not body.stopped or written >= asking.think_at_least:
            break
        text, written = f"{text.rstrip()}\n{RESUME}", written + 1
    return text, min(written, most)


def _going_on(fields: Fields, begun: str) -> Fields:
    """The request with a turn of the assistant that is to be gone on with."""
    turn = {"role": "assistant", "content": begun}
    asked = {"messages": [*fields["messages"], turn], "continue_final_message": True, "add_generation_prompt": False}
    return fields | asked
