"""What one run has compiled is found by the next, over any store."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import pytest

from byheart.components.extract.compiled import keep_compiled_programs
from byheart.store import open_store

HITS = "/jax/compilation_cache/cache_hits"


@pytest.fixture
def compile_everything() -> Iterator[None]:
    """Also what takes no time to compile is kept."""
    name = "jax_persistent_cache_min_compile_time_secs"
    before = getattr(jax.config, name)
    jax.config.update(name, 0.0)
    yield
    jax.config.update(name, before)


@pytest.mark.usefixtures("compile_everything")
def test_program_is_compiled_once(address: str) -> None:
    store, device, events = open_store(address), jax.devices()[0], list[str]()
    jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
    found = []
    for _ in range(2):
        with keep_compiled_programs(store, device) as programs:
            jax.clear_caches()
            events.clear()
            assert float(jax.jit(lambda x: jnp.sin(x) * 3 + 0.125)(1.0)) == pytest.approx(2.649413)
            programs.keep()
            found.append((events.count(HITS) > 0, [stored.name for stored in store.list()]))
    (first_hit, first), (second_hit, second) = found
    assert (first_hit, second_hit) == (False, True)
    assert first == second
    assert first
    assert all(name.startswith("compiled/cpu-jax-") for name in first)
