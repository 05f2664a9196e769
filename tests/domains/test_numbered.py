"""The stand-in that other tests use keeps to the contract too, without end and with one."""

from __future__ import annotations

from contracts.domain import DomainContract
from fakes import Numbered


class TestEndless(DomainContract):
    shared = 1.0

    def domain(self) -> Numbered:
        return Numbered()


class TestFinite(DomainContract):
    many = 30
    shared = 1.0

    def domain(self) -> Numbered:
        return Numbered(count=40)
