"""A limit on the seconds of a call that reads from the network.

A library's timeout is for the next bytes, and a server that sends one from time to time, in a header, a redirect or a
body, keeps to it for weeks.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


def call_within(seconds: float, call: Callable[[], _Result]) -> _Result:
    """The result of `call`, made in a thread of its own; one that takes longer is left to itself.

    The thread does not keep the program from ending.

    Raises:
        TimeoutError: the call takes longer.
    """
    results: list[_Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 it is raised again by the caller
            errors.append(error)

    thread = threading.Thread(target=run, name=call_within.__name__, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]
