"""Configuration of the documentation: ``python -m sphinx -W -b html docs docs/_build``."""

import sys
from importlib.util import find_spec
from pathlib import Path

DOCS = Path(__file__).parent
# The documentation describes this checkout, not an installed version.
sys.path[:0] = [str(DOCS.parent), str(DOCS / "extensions")]

from figures import scraper  # noqa: E402

project = "collective-bench"
author = "The collective-bench authors"
project_copyright = author

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "docstrings",
    "sphinx_gallery.gen_gallery",
    "generated_pages",
]
exclude_patterns = ["_build", "tutorial_scripts", "extensions", "reference/generated/fields.md"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = "collective-bench"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"

sphinx_gallery_conf = {
    "examples_dirs": "tutorial_scripts",
    "gallery_dirs": "tutorials",
    # Tutorials use the Python interface.
    "filename_pattern": r"\.py$" if find_spec("collective_bench") else r"(?!)",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 600,
    "remove_config_comments": True,
    "image_scrapers": (scraper,),
}
