"""A scraper for sphinx-gallery that shows the figures which a block of a tutorial makes.

Figures of this project do not belong to pyplot, whose figures are the only ones that
sphinx-gallery finds by itself.
"""

from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


class FigureScraper:
    """Scraper of the matplotlib figures that have a name in a tutorial."""

    def __init__(self) -> None:
        self.shown: list[Figure] = []

    def __repr__(self) -> str:
        # Sphinx compares configurations by their text: an address would be a change each time.
        return "FigureScraper()"

    def __call__(self, block: Any, variables: dict[str, Any], settings: dict[str, Any]) -> str:
        """Save the figures that are new since the last block, and return their reST.

        Arguments:
            block: The block of the tutorial. Not used.
            variables: What sphinx-gallery knows of the block: its globals, and paths of images.
            settings: The settings of sphinx-gallery.
        """
        values = variables["example_globals"].values()
        new = [value for value in values if isinstance(value, Figure)]
        new = [figure for figure in new if all(figure is not old for old in self.shown)]
        paths = []
        for figure, path in zip(new, variables["image_path_iterator"], strict=False):
            figure.savefig(path, dpi=150, bbox_inches="tight")
            self.shown.append(figure)
            paths.append(path)
        return str(figure_rst(paths, settings["src_dir"]))


scraper = FigureScraper()
