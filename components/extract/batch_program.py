"""The program that scores a batch, in the form that its devices have: compiled from shapes, and then given weights."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from byheart.components.extract.cpu.scorer import Shares, compile_scorer, make_batch_scorer, share
from byheart.components.extract.cpu.weights import describe_divided, divide_layers
from byheart.components.extract.decoder import Params
from byheart.components.extract.gpu import fall_back
from byheart.components.extract.head import ScoredTokens
from byheart.components.extract.scoring import BatchScorer, make_scorer
from byheart.components.extract.sharding import Sharding
from byheart.components.extract.token_scores import TokenScores
from byheart.machines.cores import find_cores
from byheart.machines.kernels import are_kernels_wanted
from byheart.machines.workload import Workload
from byheart.models.parameters import Parameters


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Loaded:
    """A model that is ready to score."""

    weights: Params
    """On their devices."""
    score: BatchScorer
    """B is the layout's batch size, and T all tokens that a window may have."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class BatchProgram:
    """A program for batches of one shape."""

    workload: Workload
    parameters: Parameters
    sharding: Sharding
    batch_size: int
    temperature: float
    top_k: int
    weights: Any
    """Their shapes, from `checkpoint.describe`."""

    @property
    def is_on_cores(self) -> bool:
        """Whether each core scores a share of a batch, in the form that a CPU has of its own."""
        is_one = self.sharding.platform == "cpu" and self.sharding.mesh.devices == 1
        return is_one and not self.workload.is_converted and are_kernels_wanted()

    @property
    def _shares(self) -> Shares:
        return share(self.batch_size, find_cores().count)

    def compile(self) -> jax.stages.Compiled:
        """The program; on a GPU in the plain form where the faster one cannot be compiled."""
        if self.is_on_cores:
            decoder = self.workload.decoder
            divided = describe_divided(self.weights, decoder)
            return compile_scorer(divided, decoder, self._wanted, self._shares, self.workload.positions + 1)
        if self.sharding.platform != "gpu" or not are_kernels_wanted():
            return self._compile_form(is_plain=not are_kernels_wanted())
        return fall_back(lambda: self._compile_form(is_plain=False), lambda: self._compile_form(is_plain=True))

    def join(self, program: jax.stages.Compiled, weights: Params) -> Loaded:
        """The program with its weights, which are on their devices."""
        if self.is_on_cores:
            weights = divide_layers(weights, self.workload.decoder)
            return Loaded(weights=weights, score=make_batch_scorer(program, weights, self._shares))

        def score_batch(token_ids: np.ndarray, scored: np.ndarray | None = None) -> TokenScores:
            arrays = [token_ids] if scored is None else [token_ids, scored]
            scores: TokenScores = program(weights, *jax.device_put(arrays, self.sharding.windows))
            return scores

        return Loaded(weights=weights, score=score_batch)

    @property
    def _wanted(self) -> ScoredTokens:
        return ScoredTokens(
            scored_tokens=self.workload.scored_tokens,
            temperature=self.temperature,
            top_k=self.top_k,
            is_padded=self.workload.is_padded,
            kept=self.workload.kept,
        )

    def _compile_form(self, *, is_plain: bool) -> jax.stages.Compiled:
        scorer = make_scorer(
            self.workload.decoder,
            self.parameters,
            self.sharding,
            **vars(self._wanted),
            arithmetic=jnp.dtype(self.workload.precision) if self.workload.is_converted else None,
            is_plain=is_plain,
        )
        sides = [self.workload.positions + 1, *[2] * self.workload.is_padded]
        arrays = [
            jax.ShapeDtypeStruct((self.batch_size, side), jnp.int32, sharding=self.sharding.windows) for side in sides
        ]
        return scorer.lower(self.weights, *arrays).compile()
