"""A model behind an OpenAI-compatible endpoint: vLLM, llama.cpp, `transformers serve`, or somebody's service."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ponder.engine.bounded import Holder, check_asking
from ponder.engine.events import ASK, CANNOT, Desk, Events
from ponder.engine.replies import Body, parse
from ponder.engine.replies_cache import RepliesCache
from ponder.engine.spending import Spending, at_most
from ponder.engine.wire import Trouble, Wire, check_url
from ponder.types import Asking, Message, PonderError, Reply, Status

Hearing = Callable[[str], None] | None
"""Is told each piece of a reply; None where it comes at once."""
PATH = "/chat/completions"
"""Below the address."""
TOP = 20
"""Alternatives that are asked for at each position; the API allows no more."""
LONGEST = 60.0
"""Seconds between two tries at most, unless the server asks for more."""
LINE = 300
"""Characters of a reason at most."""
SECRET = 8
"""Characters from which on a key is looked for in replies too; shorter ones (`EMPTY`) are no secrets but words."""
REMEDIES = {
    0: "start the server, or correct url",
    401: "name the environment variable of its key with `key`",
    403: "give a key that may use this model",
    404: "correct url or model",
}
"""By HTTP's status, 0 where none came."""


class Question(NamedTuple):
    """One conversation that is to be answered."""

    messages: tuple[Message, ...]
    """What the server reads."""
    asking: Asking
    """How it is to be answered."""
    stream: str
    """Names its randomness, and that of the pauses between tries."""
    body: bytes
    """What is sent, as JSON."""

    @property
    def key(self) -> str:
        """Hash of all that the reply may depend on, whichever address it comes from."""
        asked = [self.body.decode(), self.asking.think, self.asking.choices, self.stream]
        if self.asking.bounded:
            asked.append([self.asking.think_at_least, self.asking.think_at_most])
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


class Server:
    """Asks a server, many conversations at a time; a `ponder.types.Respondent`.

    What it spends on all calls together is counted in `spending`.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        key: str | None = None,
        concurrency: int = 16,
        deadline: float = 120.0,
        retries: int = 5,
        pause: float = 1.0,
        budget_tokens: int | None = None,
        budget_money: float | None = None,
        price: tuple[float, float] | None = None,
        cache: Path | str | None = None,
        thinking_switch: bool = False,
    ) -> None:
        """Asks nothing yet; raises PonderError for what cannot be.

        `url`: up to `/v1`; `key`: name of the environment variable that holds the key; `concurrency`: requests at a
        time; `deadline`: seconds for one; `retries`: of one, the first after `pause` seconds, each later one after
        twice as long; `price`: money for a million tokens read, and for a million written; `cache`: folder that keeps
        replies; `thinking_switch`: whether the server takes `chat_template_kwargs` with `enable_thinking`.
        """
        check_url(url)
        _check(model=model, key=key, concurrency=concurrency, deadline=deadline, retries=retries, pause=pause)
        self.url, self.name, self.key = url, model, key
        self.concurrency, self.deadline, self.retries, self.pause = concurrency, deadline, retries, pause
        self.spending = Spending(tokens=budget_tokens, money=budget_money, price=price)
        self.cache = None if cache is None else RepliesCache(Path(cache))
        self.thinking_switch = thinking_switch
        self.tell: Callable[[str], None] = lambda line: print(line, file=sys.stderr)
        """Hears, once, that the server does not hold budgets of thinking."""
        self.desk: Desk | None = None
        """Where there is one, replies are asked for piece by piece, and it is told each; none for who cannot."""
        self.budgets = Holder(lambda line: self.tell(f"{url}: {line}"))

    def respond(
        self, conversations: Sequence[Sequence[Message]], asking: Asking, streams: Sequence[str]
    ) -> list[Reply]:
        """See `ponder.types.Respondent`. The same question on the same stream is asked once."""
        check_asking(asking)
        pairs = zip(conversations, streams, strict=True)
        questions = [self._question(messages, asking, stream) for messages, stream in pairs]
        keys = [question.key for question in questions]
        asked = dict(zip(keys, questions, strict=True))
        replies = dict(zip(asked, self._replies(list(asked.values())), strict=True))
        return [replies[key] for key in keys]

    def check(self) -> str:
        """Why the server cannot be used, in one line; '' where it can. One token is asked for, once."""
        hello = (Message(role="user", content="Hello"),)
        try:
            self._attempt(Wire(self.url, self.deadline), self._question(hello, Asking(max_tokens=1), "check"))
        except Trouble as trouble:
            remedy = REMEDIES.get(trouble.code, "") if trouble.code or trouble.again else ""
            return "; ".join(filter(None, [f"{self.url}: {self._reason(trouble)}", remedy]))
        return ""

    def _question(self, messages: Sequence[Message], asking: Asking, stream: str) -> Question:
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "max_tokens": asking.max_tokens,
            "temperature": asking.temperature,
            "stream": False,
        }
        if asking.temperature > 0:
            body["seed"] = seed_of(stream)
        if asking.choices:
            body |= {"logprobs": True, "top_logprobs": TOP}
        if self.thinking_switch:
            body["chat_template_kwargs"] = {"enable_thinking": asking.think}
        return Question(tuple(messages), asking, stream, json.dumps(body).encode())

    def _replies(self, questions: Sequence[Question]) -> list[Reply]:
        """In order; whoever interrupts it waits for no server."""
        wire = Wire(self.url, self.deadline)
        with ThreadPoolExecutor(self.concurrency) as pool:
            try:
                return [future.result() for future in [pool.submit(self._reply, wire, each) for each in questions]]
            except BaseException:
                wire.hang_up()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _reply(self, wire: Wire, question: Question) -> Reply:
        """The one place where what fails becomes a status."""
        kept = self.cache.get(question.key) if self.cache else None
        if kept:
            return kept
        try:
            reply = self._persist(wire, question)
        except Trouble as trouble:
            return Reply(status=trouble.status, reason=self._reason(trouble))
        if self.cache:
            self.cache.put(question.key, reply)
        return reply

    def _persist(self, wire: Wire, question: Question) -> Reply:
        """Try until there is a reply or no sense in trying; raises the last Trouble."""
        met: Counter[Status] = Counter()
        for tried in range(self.retries + 1):
            try:
                return self._attempt(wire, question)
            except Trouble as trouble:
                met[trouble.status] += 1
                if tried == self.retries or met[trouble.status] > trouble.again:
                    raise
                wire.rest(max(trouble.wait, backoff(self.pause, tried, question.stream)))
        raise AssertionError("the last try returns or raises")

    def _attempt(self, wire: Wire, question: Question) -> Reply:
        desk = self.desk  # which another thread may take away
        with desk.place(question.key) if desk else nullcontext() as heard:
            reply = self._asked(wire, question, heard)
        if len(self._secret()) < SECRET:
            return reply
        thinking = reply.thinking and self._hidden(reply.thinking)
        return replace(reply, answer=self._hidden(reply.answer), thinking=thinking)

    def _asked(self, wire: Wire, question: Question, heard: Hearing) -> Reply:
        """By one request, or by several where a budget takes them."""
        asking = question.asking
        if not asking.bounded:
            return self._send(wire, question.body, question, heard).reply(asking)
        fields = json.loads(question.body)
        return self.budgets.reply(
            lambda more: self._send(wire, json.dumps(more).encode(), question, heard), fields, asking
        )

    def _send(self, wire: Wire, data: bytes, question: Question, heard: Hearing) -> Body:
        """One request of a question; what it cost is counted, at most where the server does not."""
        over = self.spending.over()
        if over:
            raise Trouble(over, again=0)
        most = at_most(question.messages, question.asking)
        body = self._heard(wire, data, most, heard) if heard else None
        if not body:
            body = parse(wire.post(PATH, data, self._headers()))
            self.desk = None  # it can be asked, but not piece by piece
        usage = body.usage
        self.spending.count(*((usage.prompt_tokens, usage.completion_tokens) if usage else most))
        return body

    def _heard(self, wire: Wire, data: bytes, most: tuple[int, int], heard: Callable[[str], None]) -> Body | None:
        """The same piece by piece; None where that is refused. What breaks off is counted as `most`."""
        events, data = Events(heard), json.dumps(json.loads(data) | ASK).encode()
        try:
            return events.body(wire.post(PATH, data, self._headers(), events.line))
        except Trouble as trouble:
            if events.pieces:
                self.spending.count(*most)
            if trouble.code not in CANNOT:
                raise
            return None

    def shown(self, pieces: Sequence[str]) -> str:
        """The text of pieces as it may be shown: without the key, and without what may be its beginning."""
        text, secret = "".join(pieces), self._secret()
        if len(secret) < SECRET:
            return text
        text = self._hidden(text)
        begun = (n for n in range(len(secret) - 1, 0, -1) if text.endswith(secret[:n]))
        return text[: len(text) - next(begun, 0)]

    def _secret(self) -> str:
        """The key's value, which no attribute holds; '' where there is none."""
        return os.environ.get(self.key, "").strip() if self.key else ""

    def _headers(self) -> dict[str, str]:
        headers, secret = {"Content-Type": "application/json"}, self._secret()
        if self.key and not secret:
            raise Trouble(f"key = {self.key!r}: there is no such environment variable; export it", again=0)
        if not secret.isascii() or not secret.isprintable():
            raise Trouble(f"key = {self.key!r}: its value has characters that no header can hold", again=0)
        return headers | ({"Authorization": f"Bearer {secret}"} if secret else {})

    def _reason(self, trouble: Trouble) -> str:
        """Why there is no reply; the key is taken out before anything is cut, so that no half of it is left."""
        reason = self._hidden(trouble.reason)
        return reason if len(reason) <= LINE else reason[: LINE - 1] + "…"

    def _hidden(self, text: str) -> str:
        """The text without the key, in case a server repeats it."""
        secret = self._secret()
        for written in (secret, json.dumps(secret)[1:-1]) if secret else ():
            text = text.replace(written, "***")
        return text


def seed_of(stream: str) -> int:
    """31 bits that the stream's name alone decides: what every server takes for a seed."""
    return int.from_bytes(hashlib.sha256(stream.encode(errors="replace")).digest()[:4]) >> 1


def backoff(pause: float, tried: int, stream: str) -> float:
    """Seconds before the next try: pause * 2^tried, less up to the half of it, as the stream's name decides."""
    jitter = seed_of(f"{stream}/retry/{tried}") / 2**31
    return min(pause * 2.0**tried, LONGEST) * (1 - jitter / 2)


def _check(*, model: str, key: str | None, concurrency: int, deadline: float, retries: int, pause: float) -> None:
    """Raise PonderError for what nothing can be asked with."""
    mistakes = {
        "model: must not be empty; give the name that the server knows it by": not model.strip(),
        "key: must be the name of an environment variable, in capitals, and never the key itself": (
            key is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", key)
        ),
        f"concurrency = {concurrency}: must be at least 1": concurrency < 1,
        f"deadline = {deadline:g}: must be above 0 seconds": not 0 < deadline < float("inf"),
        f"retries = {retries}: must be 0 or more": retries < 0,
        f"pause = {pause:g}: must be 0 seconds or more": not 0 <= pause < float("inf"),
    }
    for mistake, made in mistakes.items():
        if made:
            raise PonderError(mistake)
