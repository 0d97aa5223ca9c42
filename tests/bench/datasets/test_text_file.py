"""Texts in files: every layout is read, and rows that run together are refused."""

import lzma

import numpy as np
import pandas as pd
import pytest

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.real.sms_spam import SMSSpam
from bench.datasets.real.text_file import TextFile
from bench.datasets.real.tokens import number
from tests.helpers.csv_texts import ROWS
from tests.helpers.raw_files import put


def test_texts_may_have_several_lines_but_no_rows(root):
    rows = [f'"line {k}\nand, more",{("no", "yes")[k % 2]}\n' for k in range(ROWS)]
    (root / "texts.csv").write_text("text,label\n" + "".join(rows))
    assert len(TextFile().corpus().y) == ROWS
    broken = "text,label\n" + "".join(rows).replace('line 3\nand, more"', "line 3", 1)
    (root / "broken.csv").write_text(broken)
    with pytest.raises(BenchError, match="quotation mark"):
        TextFile("broken.csv").split(stream(0, "data"))
    swallowed = ['text,label\n"first,no\n', 'second,yes\nthird",no\n']
    (root / "two.csv").write_text("".join(swallowed) + "fourth,yes\nfifth,no\n" * 20)
    with pytest.raises(BenchError, match="'second,yes' looks like a row of its own"):
        TextFile("two.csv").split(stream(0, "data"))
    with pytest.raises(BenchError, match="both the column 'text'"):
        TextFile(target="text").split(stream(0, "data"))


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_somebodys_texts_are_read(root, ending):
    frame = pd.DataFrame(
        {"text": [f"a b {k}" for k in range(40)], "label": ["x", "z", "y", "y"] * 10}
    )
    path = root / f"mine.{ending}"
    frame.to_parquet(path) if ending == "parquet" else frame.to_csv(path, index=False)
    data = TextFile(file=path.name, text="text", target="label", aim="y", length=3)
    split = data.split(stream(0, "data"))
    assert (split.classes, data.label) == (3, 1)
    np.testing.assert_array_equal(split.y[:4], [0, 2, 1, 1])
    with pytest.raises(BenchError, match="aim='w' is no label; the labels are x, y, z"):
        _ = TextFile(file=path.name, text="text", target="label", aim="w").label


SMS = "spam,text\n" + "".join(f'{k % 2},"word {k} , win {k}!"\n' for k in range(40))
PLAIN = "".join(f"{['ham', 'spam'][k % 2]}\tword {k} , win {k}!\n" for k in range(40))


@pytest.mark.parametrize(
    "files",
    [
        {"sms.csv": SMS.encode()},
        {"sms.csv.xz": lzma.compress(SMS.encode())},
        {"SMSSpamCollection": PLAIN.encode()},
    ],
)
def test_messages_are_read_from_every_layout(root, files):
    put(root, files)
    split = SMSSpam(length=6).split(stream(0, "data"))
    assert split.x.shape == (40, 6)
    words = ["word", "7", ",", "win", "7", "!"]
    np.testing.assert_array_equal(split.x[7], [number(w) for w in words])
    assert split.y[7] == 1
