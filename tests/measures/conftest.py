"""Stores of both kinds, as the tests of stores have them."""

from tests.store.conftest import address, server

__all__ = ["address", "server"]
