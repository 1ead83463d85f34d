"""Compiling the program that scores while the weights are loaded: for that it needs their shapes only."""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import jax


class Compilation:
    """A program that is compiled in a thread of its own.

    Args:
        compile_program: compiles it.
    """

    seconds = 0.0
    """How long it took, once `wait` has returned."""

    def __init__(self, compile_program: Callable[[], jax.stages.Compiled]) -> None:
        self._compiled: Future[jax.stages.Compiled] = Future()
        atexit.register(self._leave)
        threading.Thread(target=self._run, args=(compile_program,), name="compilation", daemon=True).start()

    def check(self) -> None:
        """Raise the error of the compilation, if there is one already."""
        if self._compiled.done():
            self._compiled.result()

    def wait(self) -> jax.stages.Compiled:
        """The compiled program, or its error."""
        return self._compiled.result()

    def _leave(self) -> None:
        """End the process at once if the compiler is at work: Python's own way out would crash in its thread.

        Nothing waits for the program then: the run has failed.
        """
        if not self._compiled.done():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)

    def _run(self, compile_program: Callable[[], jax.stages.Compiled]) -> None:
        started = time.monotonic()
        try:
            compiled = compile_program()
        except BaseException as error:  # noqa: BLE001  it is raised where the program is asked for
            self._compiled.set_exception(error)
        else:
            self.seconds = time.monotonic() - started
            self._compiled.set_result(compiled)
