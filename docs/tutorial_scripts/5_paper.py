r"""
A figure and a table for a paper
================================

This tutorial makes a figure, a table and the numbers of the text for a paper in LaTeX. All of them
follow from the records of one run, so that the paper can be made again from these.
"""

import tempfile
from pathlib import Path

import collective_bench as cb
from results.plots.captions import latex
from results.plots.style import columns, save
from results.report.tables import render

folder = Path(tempfile.mkdtemp())
run = cb.run(
    learners=["ERM", "CVaRDRO"],
    datasets="Coins",
    sizes=[0, 0.005, 0.01, 0.02, 0.05, 0.1],
    seeds=5,
    jobs=0,
    out=folder / "run",
    progress=False,
)

# %%
# A figure
# --------
#
# Figures have the width of a paper's text or column, such as "neurips" or "icml". Fonts have one
# size at all widths. A figure that LaTeX scales has another text size, so include it at its own
# width. ``save`` writes PNG, SVG and PDF, whose bytes are equal each time.

with columns("neurips"):
    figure = run.plot()
[path.name for path in save(figure, folder / "success")]

# %%
# A figure has its caption as label.

print(latex(figure.get_label(), run.curves()))

# %%
# A table
# -------
#
# ``critical`` gives the critical masses as numbers (``estimate``, ``low``, ``high``) and as text.
# Both ends of an interval are sizes of the grid. ``render`` writes a table with the rules of
# booktabs; on the command line, this is ``--format latex``.

table = run.critical(0.5)
table = table.assign(learner=table["learner"].str.partition("(")[0])
names = {"learner": "Learner", "text": "Critical mass", "seeds": "Seeds"}
print(render(table[[*names]].rename(columns=names), "latex"))

# %%
# Numbers in the text
# -------------------
#
# A number that is copied by hand becomes wrong when the run changes. The command ``figures``
# writes ``numbers.tex``, which names each number of the run. ``\cb{...}`` inserts one, and a name
# that does not exist stops LaTeX.

from results.report.latex import macros
from results.stats.curves import area

text = macros(run.critical(0.5), area(run.frame))
print("\n".join(text.splitlines()[:8]))

# %%
# In the paper:
#
# .. code-block:: latex
#
#    \input{numbers}
#    A collective of \cb{coins/erm/critical50/people} people is enough.
#
# What to state
# -------------
#
# State the number of seeds beside each interval, whether learners were tuned and by which rule,
# and the accuracy without a collective. ``about.json`` in the folder of the run has the versions
# of all libraries and the commit. ``python run_bench.py figures RUN --check`` draws all figures
# again in another process, and compares all bytes. :doc:`/how_to/papers` has the commands.
