"""The description of layers with several MLPs, of which a router chooses a few for each token."""

import dataclasses

from byheart.contracts.errors import ModelError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experts:
    """The experts of a layer, and how its router chooses among them; the defaults are those of Mixtral.

    The router gives each expert a score for a token. The token goes through the `per_token` experts with the best
    scores, and what they return is added up, each multiplied by its share.
    """

    count: int
    per_token: int
    ffn: int
    """F of each expert."""
    layers: tuple[int, ...] | None = None
    """The layers that have experts; the others have one MLP. None is all layers."""

    score: str = "softmax"
    """What makes scores of the router's logits: `softmax` over all experts, or `sigmoid`."""
    normalized: bool = True
    """Whether the shares of the chosen experts are their scores divided by the sum of these, or their scores."""
    scale: float = 1.0
    """The factor of the shares."""
    corrected: bool = False
    """Whether a number that was learned for each expert is added to its score for the choice, not for its share."""
    groups: int = 1
    """The groups of equal size that experts stand in."""
    groups_per_token: int = 1
    """The groups with the best scores, among whose experts a token's are chosen."""
    best_of_group: int = 1
    """How many of a group's scores, the best ones, add up to the group's."""
    scaled_input: bool = False
    """Whether the shares multiply what experts read, and not what they return."""

    shared_ffn: int = 0
    """F of an MLP that every token goes through besides; 0 is none."""
    shared_gate: bool = False
    """Whether what that MLP returns is multiplied by the sigmoid of a number that is computed from the token."""

    def __post_init__(self) -> None:
        if self.per_token > self.count:
            raise ModelError(
                f"config.json must choose at most the {self.count} experts there are, found {self.per_token}: the file "
                "is broken"
            )
        size = self.count // self.groups
        too_few = self.groups > 1 and self.best_of_group > size
        if self.count % self.groups or self.groups_per_token > self.groups or too_few:
            raise ModelError(
                f"config.json must divide {self.count} experts into groups of equal size and choose among these, found "
                f"{self.groups_per_token} of {self.groups} groups: the file is broken"
            )
        if self.per_token > self.groups_per_token * size:
            raise ModelError(
                f"config.json must choose at most the {self.groups_per_token * size} experts of the chosen groups, "
                f"found {self.per_token}: the file is broken"
            )
