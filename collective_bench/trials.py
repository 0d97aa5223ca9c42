"""A single trial."""

from dataclasses import dataclass
from typing import Any

from bench.core.errors import BenchError
from bench.execution.backends import run_chunks
from bench.experiment import trial as experiment
from bench.experiment.recruitment import Recruitment
from bench.experiment.trial import Groups, Record, Validation
from collective_bench.components import component


@dataclass(frozen=True)
class Trial:
    r"""One learner against one collective, at one size and seed.

    .. math:: S(\alpha) \text{ of } f = A(P_\alpha), \quad
        P_\alpha = \alpha\, h(P_0) + (1 - \alpha) P_0

    Arguments:
        dataset: The dataset, as an object, a class or a spec such as ``"Coins(n=200)"``.
        learner: The learner A, likewise.
        strategy: The strategy h, likewise. Its signal and label, where they are None, are those
            of the dataset.
        size: The share alpha of members among the rows of the training set.
        seed: The seed of all random streams.
        validation: Whether the firm's validation data are "clean" or "contaminated" by members.
        groups: The groups that the firm knows: "given", "own" or "unknown".
        recruitment: How members are chosen: "uniform", "class", "group" or "distance".

    Example:
        >>> record = Trial("Coins(n=200)", "EmpiricalBayes", "FeatureLabel", size=0.2).run()
        >>> record["success"], record["members"]
        (1.0, 40)
    """

    dataset: Any
    learner: Any
    strategy: Any = "FeatureLabel"
    size: float = 0.0
    seed: int = 0
    validation: Validation = "clean"
    groups: Groups = "given"
    recruitment: Recruitment = "uniform"

    def prepared(self) -> experiment.Trial:
        """Return the trial with components in place of names, and the strategy's fields filled.

        Raises:
            BenchError: If a component does not exist, or the size is not a share.
        """
        dataset = component(self.dataset, "datasets")
        learner = component(self.learner, "learners")
        strategy = component(self.strategy, "strategies")
        if not 0 <= self.size <= 1:
            raise BenchError(f"size={self.size!r} is not a share between 0 and 1")
        filled = strategy.with_defaults(dataset.signal, dataset.label)
        ways = self.validation, self.groups, self.recruitment
        return experiment.Trial(dataset, learner, filled, self.size, self.seed, *ways)

    def run(self) -> Record:
        """Run the trial in this process, on one thread, and return its record.

        Raises:
            BenchError: If the trial fails. The text has the error of the component.
        """
        ((_, (record,)),) = run_chunks([[self.prepared()]])
        if record["status"] != "ok":
            raise BenchError(f"the trial failed: {record['error']}")
        return record
