"""How many validation samples are among the training samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sharing = Literal["one_object", "trained_whole", "validated_whole", "parted_anew"]


@dataclass(frozen=True, slots=True)
class RepeatedFacts:
    """What looking some samples up among those that a model is trained on showed.

    Samples that are alike count once: what comes again and again by its nature tells little.

    Attributes:
        samples: of the validation data.
        validated: of them, those that were looked up.
        known: of these, those that are among the training samples.
        known_of_others: likewise, leaving out the training samples that were looked up themselves.
        trained: training samples that were looked up.
        again: of these, those that are among the other training samples. Of data that are parted at
            random it is as large a share as `known_of_others` is, by chance.
        known_share: of the validation samples that were looked up, counted as often as they come,
            the share that is among the training samples.
    """

    samples: int
    validated: int
    known: int
    known_of_others: int
    trained: int
    again: int
    known_share: float = 0.0


@dataclass(frozen=True, slots=True)
class SharedFacts:
    """How training and validation data are one, where nothing of what they hold was looked at.

    Attributes:
        kind: the type of the training data.
        how: "one_object" where one and the same is given for both; "trained_whole" where both are
            made of one and the training leaves nothing of it out, "validated_whole" where the
            validation does not; "parted_anew" where both are parts of what is shuffled otherwise
            whenever it is read.
    """

    kind: str
    how: Sharing
