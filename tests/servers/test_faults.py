from tests.servers.faults import STATUSES, Fault, Faults


def test_fault_strikes_the_calls_it_is_about_and_counts_them() -> None:
    faults = Faults()
    rule = faults.add(Fault(method="GET", url=r"/o/b\?", nth=2, times=2))
    struck = [faults.strike("GET", f"/o/{name}?fields=name", is_download=False) is not None for name in "abbabbb"]
    assert struck == [False, False, True, False, True, False, False]
    assert (rule.matched, rule.injected) == (5, 2)
    assert faults.strike("POST", "/o/b?fields=name", is_download=False) is None
    faults.clear()
    assert faults.strike("GET", "/o/b?fields=name", is_download=False) is None


def test_what_a_seed_draws_can_be_drawn_again() -> None:
    def struck(seed: int) -> list[Fault | None]:
        faults = Faults(seed)
        faults.storm(0.3)
        return [faults.strike("GET", "/a?alt=media", is_download=True) for _ in range(1000)]

    assert struck(1) == struck(1) != struck(2)
    share = sum(fault is not None for fault in struck(1)) / 1000
    assert 0.2 < share < 0.35
    assert len({(fault.kind, fault.status) for fault in struck(1) if fault}) == len(STATUSES) + 5
