"""What the stores' tests have is had here too: a store of each kind."""

from tests.store.conftest import address, server

__all__ = ["address", "server"]
