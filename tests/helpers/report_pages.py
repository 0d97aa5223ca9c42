"""Records with hostile names for the page of a run, and a reader of its elements."""

from html.parser import HTMLParser

import numpy as np

from tests.helpers import records as shared

HOSTILE = "<script>document.title='taken'</script>"
LEARNERS = ["ERM(epochs=20)", "JTT(epochs=20, upweight=20.0)", HOSTILE]
SIZES = [0.0, 0.01, 0.1, 0.5]
ABOUT = {
    "grid": "toy",
    "trials": 99,
    "command": ["run", "toy", "--plugin", "my learner.py"],
    "packages": {"numpy": "2.0", "none": None},
    "began": 0.0,
    "wall_seconds": 12.3,
    "parts": [{"learners": LEARNERS, "seeds": 3}],
    "system": HOSTILE,
}


def records(learners=LEARNERS, strategies=("Plant(label=1)", "Idle()"), seeds=3, sizes=SIZES):
    """Return records whose success grows with the size, the more the later the learner."""
    rng = np.random.default_rng(0)

    def values(key):
        size, learner = key["size"], key["learner"]
        success = size * (2 + learners.index(learner)) + rng.normal(0, 0.02)
        return {
            "accuracy": 0.9,
            "success": float(np.clip(success, 0, 1)),
            "effective_size": size / 2 if learner.startswith("JTT") else None,
        }

    axes = {"strategy": strategies, "learner": learners, "size": sizes, "seed": range(seeds)}
    return shared.records(values, dataset=["D(n=1)"], **axes)


def spoiled():
    """Return records of which some failed, for reasons that are no less hostile."""
    frame = records()
    lost = frame.index[(frame["size"] == 0.5) & (frame["seed"] == 2)]
    frame.loc[lost, ["status", "success", "error"]] = ["failed", np.nan, f"E: first\nE: {HOSTILE}"]
    return frame


class Page(HTMLParser):
    """The elements of a page, by tag: their attributes and all text in them."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        entry = [tag, dict(attrs), ""]
        self.found.append(entry)
        self.open.append(entry)

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for entry in self.open:
            entry[2] += data

    def all(self, tag):
        """Return the attributes and the text of each element of a tag."""
        return [(attrs, text) for name, attrs, text in self.found if name == tag]
