"""The page that the tests of reports share."""

import pytest
from filelock import FileLock


@pytest.fixture(scope="session")
def written(tmp_path_factory, worker_id):
    """The page of a run with failures, which the processes that test share."""
    from results.report.html import page
    from tests.helpers.report_pages import ABOUT, spoiled

    base = tmp_path_factory.getbasetemp()
    file = (base if worker_id == "master" else base.parent) / "written.html"
    with FileLock(f"{file}.lock"):
        if not file.exists():
            file.write_text(page(spoiled(), ABOUT, "toy"), encoding="utf-8")
    return file.read_text(encoding="utf-8")
