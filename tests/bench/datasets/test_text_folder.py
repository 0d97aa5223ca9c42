"""Folders of texts and labels: generated files, and errors that name the odd one."""

import numpy as np
import pytest

from bench.core.errors import BenchError, Missing
from bench.core.random_streams import stream
from bench.datasets.base import has_files
from bench.datasets.io.data_root import VARIABLE
from bench.datasets.real.text_folder import TextFolder
from bench.datasets.real.tokens import tokens


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data root with forty persons of two labels."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    place = tmp_path / "texts"
    place.mkdir()
    for k in range(40):
        (place / f"{k:02}.txt").write_text(f"Person {k} writes\ntwo lines.")
        (place / f"{k:02}.lab").write_text(("cook\n", "  nurse \n\n")[k % 2])
    return place


def test_texts_and_labels_are_paired_by_name(folder):
    rows = TextFolder().corpus()
    assert rows.labels == ("cook", "nurse")
    assert rows.y.tolist() == [0, 1] * 20
    wanted = tokens([f"Person {k} writes\ntwo lines." for k in range(40)], 200)
    assert np.array_equal(rows.x, wanted)
    split = TextFolder(n=16, n_test=5).split(stream(0, "data"))
    assert (len(split.train), len(split.validation), len(split.test)) == (16, 4, 5)
    assert TextFolder(aim="cook").label == 0
    assert TextFolder().label == 1


def test_persons_without_one_label_are_left_out_and_counted(folder):
    (folder / "03.lab").write_text("cook\nnurse\n")
    (folder / "04.lab").write_text("\n")
    assert len(TextFolder().corpus().y) == 38
    assert TextFolder().description() == (
        "texts: 38 texts; labels cook (19), nurse (19); 2 texts with no label or several are left "
        "out",
    )


def test_both_endings_and_encodings_are_read(folder):
    (folder / "00.lab").rename(folder / "00.label")
    (folder / "01.txt").write_bytes("Caf\xe9".encode("latin-1"))
    (folder / "02.txt").write_bytes("\ufeffCaf\xe9".encode())
    (folder / "notes.md").write_text("not read")
    (folder / "more.txt").mkdir()
    x = TextFolder(length=3).corpus().x
    assert np.array_equal(x[1], x[2])
    assert np.array_equal(x[1], tokens(["Caf\xe9"], 3)[0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda f: (f / "07.lab").unlink(),
            r"07.txt has no file 07.lab or 07.label$",
        ),
        (lambda f: (f / "07.txt").unlink(), r"07.lab has no file 07.txt$"),
        (
            lambda f: (f / "07.label").write_text("cook"),
            "07.lab and 07.label both have the labels",
        ),
        (lambda f: [p.write_text("cook") for p in f.glob("*.lab")], "has 1 different labels"),
        (
            lambda f: [p.write_text(p.stem) for p in f.glob("*.lab")],
            "labels are classes, and not names",
        ),
    ],
)
def test_odd_files_are_refused_by_name(folder, change, says):
    change(folder)
    with pytest.raises(BenchError, match=says):
        TextFolder().corpus()


def test_a_missing_folder_names_the_way_out(folder):
    assert has_files(TextFolder())
    assert not has_files(TextFolder(path="elsewhere"))
    with pytest.raises(Missing, match=r"looked for NAME.txt and NAME.lab or NAME.label in .*else"):
        TextFolder(path="elsewhere").files()
    with pytest.raises(BenchError, match="not a name relative to the data root"):
        TextFolder(path="../elsewhere").files()
    with pytest.raises(BenchError, match="aim='pilot' is no label; the labels are cook, nurse"):
        TextFolder(aim="pilot").split(stream(0, "data"))


def test_changed_files_are_read_again(folder):
    assert len(TextFolder().corpus().y) == 40
    for name in ("39.txt", "39.lab"):
        (folder / name).unlink()
    assert len(TextFolder().corpus().y) == 39
