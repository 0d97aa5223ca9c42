r"""When taking part in a collective pays: the net gain of a member, and the smallest such size.

With success :math:`S(\alpha)`, and members' accuracy at their own person with and without the
collective, :math:`A(\alpha)` and :math:`A_0(\alpha)` (:mod:`bench.participation.trial`), the net
gain of a member is

.. math:: U(\alpha) = (1 - \gamma) \big(S(\alpha) - S(0)\big) - w \big(A_0(\alpha) - A(\alpha)\big)

in units of the value of full success. Taking part pays at a price c where
:math:`U(\alpha) \ge c`, and the smallest size at which it pays is

.. math:: \alpha^*_c = \min \{\alpha : \tilde U(\alpha) \ge c\}

with the isotonic fit :math:`\tilde U`, as for critical masses. The price has all that does not
depend on the size: effort, a changed label, a visible change. Success is a public good:
:math:`\gamma` is the share of it that people get who do not take part, who pay nothing. At
:math:`\gamma = 0` members compare a collective with none.

The comparison is that of all members at once, and not of a single one: whether one person more
takes part hardly changes success. These definitions are this project's.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from results.stats.critical_mass import critical_by_seed, critical_mass
from results.stats.curves import success_curves
from results.stats.frames import CELL, number
from results.stats.intervals import signed
from results.stats.mass_text import mass_text

OWN, BEFORE = "measure_own_accuracy", "measure_own_accuracy_before"


@dataclass(frozen=True)
class Terms:
    r"""The terms on which people take part.

    Arguments:
        price: The price c of taking part, in units of the value of full success.
        accuracy: The value w of a member's own accuracy, in the same units. At 0 own accuracy
            does not count, and records need not have it.
        shared: The share :math:`\gamma` of success that people get who do not take part.
    """

    price: float = 0.1
    accuracy: float = 1.0
    shared: float = 0.0

    def level(self) -> float:
        """Return the price as a share of the range of net gains."""
        return float(self.scaled(np.array(self.price)))

    def scaled(self, gain: np.ndarray) -> np.ndarray:
        """Return net gains, which lie between -1 - w and 1 + w, as shares of that range."""
        reach = 1 + self.accuracy
        return (gain + reach) / (2 * reach)


def net_gain(records: pd.DataFrame, terms: Terms) -> pd.Series:
    """Return the net gain of a member in each trial; NaN for trials without a control.

    Arguments:
        records: One row a trial, those at size 0 included.
        terms: The terms. The price is not subtracted.

    Returns:
        The net gain, with the index of the records; 0 at size 0.

    Raises:
        ValueError: If own accuracy counts, and the records have none.
    """
    if terms.accuracy and not {OWN, BEFORE} <= set(records.columns):
        raise ValueError(
            f"the records have no {OWN}: take the run of a study with it, such as participation, "
            f"or let own accuracy count nothing"
        )
    by = [*CELL, "seed"]
    success = records["success"].astype(float)
    control = records[records["size"] == 0].set_index(by)["success"].astype(float)
    base = control.reindex(pd.MultiIndex.from_frame(records[by])).to_numpy()
    gain = (1 - terms.shared) * (success - base)
    if not terms.accuracy:
        return gain
    lost = number(records, BEFORE) - number(records, OWN)
    return gain - terms.accuracy * lost.where(records["size"] > 0, 0.0)


def mean_gains(records: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Return the mean net gain of a member at each size, with 95 % intervals over seeds.

    Arguments:
        records: One row a trial, those at size 0 included.
        terms: The terms. The price is not subtracted.

    Returns:
        A row for each cell and size above 0: ``gain`` with ``low`` and ``high``, and the number
        of ``seeds``.
    """
    table = records.assign(gain=net_gain(records, terms))
    rows = []
    for key, trials in table[table["size"] > 0].groupby([*CELL, "size"], sort=True):
        values = trials["gain"].dropna().to_numpy(float)
        # Intervals are those of numbers between -1 and 1.
        reach = 1 + terms.accuracy
        mean, low, high, _ = signed(values / reach)
        ends = {"gain": mean * reach, "low": low * reach, "high": high * reach}
        cell = dict(zip([*CELL, "size"], key, strict=True))
        rows.append(cell | ends | {"seeds": len(values)})
    return pd.DataFrame(rows, columns=[*CELL, "size", "gain", "low", "high", "seeds"])


def participation(records: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Estimate the smallest size at which taking part pays.

    Arguments:
        records: One row a trial, those at size 0 included.
        terms: The terms.

    Returns:
        A row for each cell, as of :func:`results.stats.critical_mass.critical_mass`, with the
        terms. ``peak`` is the largest mean net gain over sizes.
    """
    gains = records.assign(success=terms.scaled(net_gain(records, terms).to_numpy(float)))
    table = critical_mass(success_curves(gains), terms.level(), gains, "zero")
    reach = 1 + terms.accuracy
    table = table.assign(**vars(terms), peak=table["peak"] * 2 * reach - reach)
    # The text names the peak of a curve that falls, which is a net gain here.
    texts = [mass_text({str(k): v for k, v in row.items()}) for row in table.to_dict("records")]
    return table.drop(columns=["level", "goal", "learns"]).assign(text=texts)


def pays_from(records: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Return the smallest size at which taking part pays, by seed.

    Arguments:
        records: One row a trial, those at size 0 included.
        terms: The terms.

    Returns:
        A row for each cell and seed: ``estimate``, as of
        :func:`results.stats.critical_mass.critical_by_seed`.
    """
    gains = records.assign(success=terms.scaled(net_gain(records, terms).to_numpy(float)))
    return critical_by_seed(gains, terms.level(), "zero")
