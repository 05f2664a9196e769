"""What a server may cost: tokens and money, counted by many threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ponder.types import Asking, Message, PonderError

MILLION = 1_000_000


class Spending:
    """What has been spent, and whether that is all; requests under way go on, so a bound may be passed by theirs."""

    def __init__(
        self, *, tokens: int | None = None, money: float | None = None, price: tuple[float, float] | None = None
    ) -> None:
        """Bounds, None for none; `price`: money for a million tokens read, and for a million written."""
        if money is not None and price is None:
            raise PonderError(f"budget_money = {money:g}: needs price, of a million tokens read and a million written")
        if tokens is not None and tokens < 0:
            raise PonderError(f"budget_tokens = {tokens}: must be 0 or more")
        if money is not None and not money >= 0:
            raise PonderError(f"budget_money = {money:g}: must be 0 or more")
        if price is not None and not min(price) >= 0:
            raise PonderError(f"price = {price}: must be 0 or more")
        self.bound, self.money_bound, self.price = tokens, money, price or (0.0, 0.0)
        self.read = self.written = 0
        self._lock = threading.Lock()

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.read + self.written

    @property
    def money(self) -> float:
        """What they cost, in the currency of the price."""
        return (self.read * self.price[0] + self.written * self.price[1]) / MILLION

    def count(self, read: int, written: int) -> None:
        """So many tokens more."""
        with self._lock:
            self.read += read
            self.written += written

    def over(self) -> str:
        """Why nothing more may be asked, in one line; '' as long as there is something left."""
        with self._lock:
            if self.bound is not None and self.tokens >= self.bound:
                return f"budget_tokens = {self.bound}: {self.tokens} are spent; raise it to go on"
            if self.money_bound is not None and self.money >= self.money_bound:
                return f"budget_money = {self.money_bound:g}: {self.money:.4g} is spent; raise it to go on"
        return ""


def at_most(messages: Sequence[Message], asking: Asking) -> tuple[int, int]:
    """Tokens read and written where a server does not count: a token a byte, and all that it might write."""
    return sum(len(message.content.encode(errors="replace")) for message in messages), asking.max_tokens
