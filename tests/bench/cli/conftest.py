"""What tests of commands share."""

import pytest


@pytest.fixture
def figures_as_svg(monkeypatch):
    """Figures in one format, without the search for places of their panels."""

    def save(figure, stem):
        figure.set_layout_engine("none")
        figure.savefig(f"{stem}.svg")
        return [f"{stem}.svg"]

    monkeypatch.setattr("results.plots.style.save", save)
