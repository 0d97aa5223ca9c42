"""A tabular foundation model that classifies in context."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt

from algorithms._estimators import fit_estimator
from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.runtime.device import device
from algorithms.runtime.names import is_relative
from algorithms.runtime.paths import VARIABLE, Absent, require_library, root

#: The repository of the checkpoints on the Hugging Face hub.
REPOSITORY = "jingang/TabICL"


@dataclass(frozen=True)
class TabICL(Learner):
    r"""TabICL, a transformer that reads the training data as context; no weight is trained.

    .. math:: \hat p(y \mid x) =
        \operatorname{softmax}\Big(\frac1{\tau m} \sum_{j=1}^m
        T_\theta\big(\pi_j(x);\, \pi_j(x_1), y_1, \dots, \pi_j(x_n), y_n\big)\Big)

    with weights :math:`\theta` that were trained on synthetic tables, and m views :math:`\pi_j` of
    the data, which differ in the order of columns and labels and in the normalisation. The firm
    fits nothing but these views: what members change is read as it is at each prediction. The
    library is an extra of this project: ``pip install 'collective-bench[foundation]'``.

    References:
        | TabICL: A Tabular Foundation Model for In-Context Learning on Large Data (Qu et al., 2025)
        | https://arxiv.org/abs/2502.05564

    Arguments:
        checkpoint: The file with the weights, relative to the data root. Nothing is downloaded.
        views: The number m of views.
        temperature: The temperature :math:`\tau`.

    Example:
        >>> TabICL(views=4).checkpoint
        'tabicl/tabicl-classifier-v2-20260212.ckpt'
    """  # noqa: E501 (a title)

    #: A classifier has a transformer and its context, of which few fit into memory.
    chunk: ClassVar[int] = 1
    space: ClassVar[dict[str, Any]] = {"views": [4, 8, 16], "temperature": [0.7, 0.9, 1.2]}

    checkpoint: str = "tabicl/tabicl-classifier-v2-20260212.ckpt"
    views: Annotated[int, Ge(1)] = 8
    temperature: Annotated[float, Gt(0)] = 0.9

    def validate(self) -> None:
        """Check that the checkpoint is not a path of one machine, since it is part of keys."""
        if not is_relative(self.checkpoint):
            raise ValueError(
                f"checkpoint={self.checkpoint!r} is not a file relative to the data root, which "
                f"--data DIR or {VARIABLE} sets"
            )

    def files(self) -> tuple[Path, ...]:
        """Return the file of the weights.

        Raises:
            Absent: If the file or the library is missing.
        """
        require_library("tabicl", "foundation", "TabICL")
        path = root() / self.checkpoint
        if not path.is_file():
            raise Absent(
                f"the checkpoint {path} is missing. `hf download {REPOSITORY} {path.name} "
                f"--local-dir {path.parent}` downloads it; --data DIR or {VARIABLE} sets another "
                "data root"
            )
        return (path,)

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Read a sample as context.

        Raises:
            Absent: If the file of the weights or the library is missing.
        """
        (path,) = self.files()
        # The library is optional, and its import takes seconds.
        from tabicl import TabICLClassifier

        here = device()
        classifier = TabICLClassifier(
            n_estimators=self.views,
            softmax_temperature=self.temperature,
            model_path=path,
            allow_auto_download=False,
            device=here,
            use_amp=False,
            use_fa3=False,
        )
        # The library draws weights from torch's generator before it reads those of the file.
        with torch.random.fork_rng(devices=[here] if here.type == "cuda" else []):
            return fit_estimator(classifier, sample, rng)
