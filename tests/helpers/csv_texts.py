"""A table of a number, a town and a label, as the text of a file."""

from bench.datasets.real.csv_file import CSV

ROWS = 60
COUNT = [str(k) for k in range(ROWS)]


def columns(**changes):
    """Return sixty rows of a number, a town and a label; some columns in other words."""
    plain = {
        "income": [f"{1000 + 7 * k}.5" for k in range(ROWS)],
        "town": [("ulm", "bonn", "jena")[k % 3] for k in range(ROWS)],
        "label": [("no", "yes")[k % 2] for k in range(ROWS)],
    }
    return {**plain, **changes}


def text(table, delimiter=",", end="\n"):
    """Return the text of a file with a table."""
    lines = [
        delimiter.join(table),
        *(delimiter.join(row) for row in zip(*table.values(), strict=True)),
    ]
    return end.join(lines) + end


PLAIN = text(columns())


def written(root, content, name="table.csv"):
    """Write a file under a data root, and return its dataset."""
    raw = content if isinstance(content, bytes) else content.encode()
    (root / name).write_bytes(raw)
    return CSV(name, mark="town=bonn")


def numbers(data):
    """Return the numeric columns, before they are standardised."""
    return dict(zip(data.schema.numbers, data._table().rows.numbers.T, strict=True))
