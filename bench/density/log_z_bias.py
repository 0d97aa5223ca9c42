"""The bias of estimators of log Z for a known target."""

from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.integrate import quad

from algorithms.density import partition

#: A target of two modes, e^D = 7 (N(-2, .5^2) + N(2, .5^2)) / 2, and proposals N(0, 2^2).
MASS, MODE, WIDTH, WIDE = 7.0, 2.0, 0.5, 2.0
#: Numbers of proposals.
COUNTS = tuple(4**i for i in range(6))
#: Proposals of all repetitions of an estimate, for each number of them.
DRAWS = 2**22
#: Proposals at once.
PAGE = 2**16


def target_constants() -> dict[str, float]:
    """Return log Z, chi^2(p || q), KL(q || p) and the entropy of q, by quadrature."""

    def integral(f: Callable[[float], float]) -> float:
        return sum(quad(f, a, b, limit=200)[0] for a, b in ((-9, -2), (-2, 0), (0, 2), (2, 9)))

    def p(x: float) -> float:
        return float(np.exp(_energy(np.array(x)))) / MASS

    def q(x: float) -> float:
        return float(stats.norm.pdf(x, scale=WIDE))

    def divergence(x: float) -> float:
        return q(x) * (np.log(q(x)) - float(_energy(np.array(x))) + np.log(MASS))

    return {
        "log_z": float(np.log(MASS)),
        "chi2": integral(lambda x: p(x) ** 2 / q(x)) - 1,
        "kl": integral(divergence),
        "entropy": float(stats.norm.entropy(scale=WIDE)),
    }


def biases(rng: np.random.Generator) -> list[dict[str, float]]:
    """Return means of the estimates over many repetitions, one row for each number m of proposals.

    Arguments:
        rng: The generator of the proposals.

    Returns:
        Rows with ``proposals``; ``log_z``, the mean of the importance estimate less log Z;
        ``critic``, that of WGAN's; ``ratio``, the mean estimate of Z over Z; a standard error
        ``..._error`` for each; and ``expected``, the second-order bias -chi^2 / 2m.
    """
    truth, rows = target_constants(), []
    for m in COUNTS:
        repeats = DRAWS // m
        errors: dict[str, list[np.ndarray]] = {"log_z": [], "critic": [], "ratio": []}
        for size in [PAGE // m] * (repeats * m // PAGE):
            x = rng.normal(0, WIDE, size=(size, m))
            energy = _energy(x)
            logs = partition.importance(energy - stats.norm.logpdf(x, scale=WIDE))
            errors["log_z"].append(logs - truth["log_z"])
            errors["critic"].append(energy.mean(axis=1) - truth["log_z"])
            errors["ratio"].append(np.exp(logs - truth["log_z"]))
        row: dict[str, float] = {"proposals": m, "expected": -truth["chi2"] / (2 * m)}
        for name, parts in errors.items():
            values = np.concatenate(parts)
            row[name] = float(values.mean())
            row[f"{name}_error"] = float(values.std() / len(values) ** 0.5)
        rows.append(row)
    return rows


def _energy(x: np.ndarray) -> np.ndarray:
    left, right = stats.norm.logpdf(x, -MODE, WIDTH), stats.norm.logpdf(x, MODE, WIDTH)
    return np.asarray(np.logaddexp(left, right) + np.log(MASS / 2))
