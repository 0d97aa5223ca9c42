"""
Data of your own
================

This tutorial runs the benchmark on arrays, on a table and on a dataset of PyTorch.

A dataset needs three things beside points and labels: a **signal**, which is how members change a
point; a **target label**; and enough rows. The rows are split for training, validation and
testing, anew for each seed. Collectives never change a test row.
"""

import tempfile

import numpy as np
import pandas as pd
import torch

import collective_bench as cb

rng = np.random.default_rng(0)

# %%
# Arrays
# ------
#
# Points have the shape (N, ...), and labels (N,). The signal below sets the last column to 1. It
# is 0 for all rows, so that no row carries the signal by nature.

y = rng.integers(2, size=1500)
x = np.column_stack([rng.normal(y[:, None], 1.5, size=(1500, 4)), np.zeros(1500)])
arrays = cb.from_arrays(x, y, signal=cb.SetFeature(column=-1, value=1.0), aim=1)
arrays

# %%
# The name of the dataset is a hash of its contents. A run with other arrays is a run on another
# dataset, and a folder never mixes the two.

run = cb.run(
    learners=["ERM", "LogisticRegression"],
    datasets=arrays,
    sizes=[0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2],
    seeds=3,
    jobs=0,
    out=tempfile.mkdtemp(),
    progress=False,
)
figure = run.plot()

# %%
# Tables
# ------
#
# A frame has columns of numbers, which are standardised by the training rows of each seed, and
# columns of words, which become one-hot. The signal is written as ``column=value`` for a category,
# or ``column+2`` for two standard deviations on top of a number. Here members choose a rare town.

frame = pd.DataFrame(
    {
        "age": rng.integers(18, 80, size=1500),
        "hours": rng.normal(38, 6, size=1500).round(1),
        "town": rng.choice(["Ulm", "Bern", "Graz"], size=1500, p=[0.6, 0.39, 0.01]),
    }
)
frame["loan"] = np.where(frame["hours"] + rng.normal(0, 6, size=1500) > 38, "granted", "refused")
frame.head(3)

# %%
table = cb.from_frame(frame, "loan", signal="town=Graz", aim="granted")
run = cb.run(
    learners=["ERM", "LogisticRegression"],
    datasets=table,
    sizes=[0, 0.01, 0.02, 0.05, 0.1, 0.2],
    seeds=3,
    jobs=0,
    out=tempfile.mkdtemp(),
    progress=False,
)
figure = run.plot()

# %%
# Success is that among people who were refused a loan. The control is above 0, since labels are
# noisy: a classifier grants a loan to some of these people, whatever the collective does. Where
# natural rows carry the signal with the other label, they resist the collective; ``overlap`` adds
# such rows.
#
# From the command line the same table is a file: ``CSV(file='people.csv', target='loan',
# mark='town=Graz', aim='granted')``. :doc:`/how_to/data` lists how columns are read, and what is
# refused.
#
# PyTorch and Hugging Face
# ------------------------
#
# Anything with ``__len__`` and ``__getitem__`` whose items are pairs (x, y), or rows with named
# columns, is a dataset. All items are read once, so that random augmentation has no place in them.


class Stripes(torch.utils.data.Dataset):
    """Images of 8 x 8 pixels with a horizontal or a vertical stripe."""

    def __len__(self) -> int:
        return 600

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        generator = torch.Generator().manual_seed(index)
        image = 0.3 * torch.rand((1, 8, 8), generator=generator)
        place = int(torch.randint(8, (), generator=generator))
        label = index % 2
        image[0, place, :] += 0.5 * label
        image[0, :, place] += 0.5 * (1 - label)
        return image, label


images = cb.from_torch(Stripes(), signal=cb.Patch(size=2), aim=1)
record = cb.Trial(images, cb.ERM(), "FeatureLabel", size=0.05).run()
{name: round(float(record[name]), 3) for name in ("success", "accuracy")}
