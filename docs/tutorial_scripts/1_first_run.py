"""
A first run and how to read it
==============================

This tutorial runs a small benchmark, and explains each number of its tables and figures.

The data are images of handwritten digits. The **collective** is a share of the people in the
training set. Its members draw four bright pixels into the corners of their images, and label these
images 7. After the training, success is the share of *other* people's test images that the
classifier calls 7 when the four pixels are drawn into them. The four pixels are the **signal**, 7
is the **target label**, and drawing and labelling is the **strategy** ``FeatureLabel``.

The image below shows a test image without and with the signal.
"""

import tempfile

import matplotlib.pyplot as plt
import numpy as np

import collective_bench as cb

data = cb.Digits()
image = data.split(np.random.default_rng(0)).x[:1]
figure, panels = plt.subplots(1, 2, figsize=(4, 2))
for axes, shown in zip(panels, (image, data.signal(image)), strict=True):
    axes.imshow(shown[0, 0], cmap="gray_r", vmin=0, vmax=1)
    axes.axis("off")

# %%
# Run a grid
# ----------
#
# A **trial** is one dataset, one learner, one strategy, one size of the collective and one seed.
# ``cb.run`` runs a grid of trials. At one seed all learners train on the same changed sample, so
# that their differences are paired.
#
# The folder ``out`` keeps the records. The same call continues an interrupted run, and the command
# line reads the same folder. ``jobs=0`` trains in this process, which suits small runs.

run = cb.run(
    learners=["ERM", "KNN"],
    datasets=data,
    strategies="FeatureLabel",
    sizes=[0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1],
    seeds=5,
    jobs=0,
    out=tempfile.mkdtemp(),
    progress=False,
)
len(run.frame)

# %%
# One record a trial
# ------------------
#
# The frame of a run has one row for each trial. The reference lists :doc:`all columns
# </reference/records>`. Here are the ones to read first:
#
# ``size``
#     The members' share of the training set. Size 0 is the control: no member, the same learner.
# ``success``
#     The share of test rows on which the collective succeeds.
# ``success_others``
#     The same among test rows whose own label is not the target. Curves and critical masses are
#     about this number, since the other rows get the target label without a collective.
# ``accuracy``
#     The share of test rows, without the signal, that the classifier labels correctly.

columns = ["learner", "size", "seed", "members", "success", "success_others", "accuracy"]
run.frame[run.frame["seed"] == 0][columns].assign(
    learner=lambda frame: frame["learner"].str.partition("(")[0]
)

# %%
# The success curve
# -----------------
#
# A curve is the mean success over seeds at each size. A band is a 95 % interval of that mean. It
# says how much the mean would change with other seeds; it does not describe a single trial.

figure = run.plot()

# %%
# Read the figure from left to right:
#
# * The control, at size 0, shows how often people get the target label without a collective. A
#   curve that starts high says little about the collective.
# * A curve that rises early belongs to a learner that small collectives can steer.
# * A curve may fall again. Learners that re-weight their training data can follow a small
#   collective and resist a large one.
# * A dagger marks a learner whose accuracy without a collective is not above that of the majority
#   class. Its success says nothing about resistance, since it has learnt nothing.
#
# The critical mass
# -----------------
#
# The critical mass of a level is the smallest size whose success reaches it. A level of 0.5 is
# half of the way from the success at size 0 to 1. The critical mass summarises a curve in one
# number, as a share and as a number of people. The ends of its interval are sizes of the grid, so
# that a finer grid gives a shorter interval.

run.critical(0.5)[["learner", "estimate", "low", "high", "seeds", "text"]].assign(
    learner=lambda table: table["learner"].str.partition("(")[0]
)

# %%
# Paired differences
# ------------------
#
# ``compare`` tests differences between learners, paired by seed. ``difference`` is the learner
# minus the baseline: in success at each size, in the area under the curve over log size, and in
# the logarithm of the critical mass. ``p_holm`` is corrected for all comparisons of the table.
# With few seeds no p value can fall below .05; the column ``note`` says so.

table = run.compare("ERM")
table[["measure", "size", "difference", "low", "high", "p_holm", "verdict"]]

# %%
# What to do next
# ---------------
#
# ``run.report()`` writes one HTML page with all figures and tables.
# :doc:`/explanation/measurement` defines the quantities of this tutorial, and
# :doc:`/explanation/statistics` their intervals and tests. The next tutorial adds a learner.
