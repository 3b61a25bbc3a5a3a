"""`readers.py` passes what is right, whatever its encoding, and finds what is wrong."""
import contextlib
import io
import os
import tempfile
import unittest
from decimal import Decimal

import readers
from harness.readings import Arrow
from tests import spliced

ROWS = 5000
# Five people, two of whom share a first name, three a last name, and all but one a city: with one index for the person, each
# dictionary would repeat entries.
PEOPLE = [("Ada", "Li", "Leeds", 7), ("Bo", "Li", "Leeds", 7), ("Ada", "Moss", "Leeds", 8), ("Cy", "Li", "Porto", 7), ("Di", "Moss", "Leeds", 8)]


def rows(unknown):
    """Which person each row is about; with `unknown`, nobody in every seventh."""
    return [None if unknown and number % 7 == 3 else number * number % len(PEOPLE) for number in range(ROWS)]


def spend(number):
    return None if number % 11 == 5 else number * 7919 % 100_003 - 50_000


# What makes Arrow's dictionary arrays of a column, and so has the fault that `read_dictionary` has (pyarrow 26): the reader drops the
# repeated entries and keeps the indices as they were. Values are then wrong, or an index is out of bounds.
WRONG_WITH_REPEATED = {"pyarrow_dictionary", "polars_from_dictionary", "pandas_categorical"}


def write_spliced(path, persons, repeated):
    """A file whose attributes share the person's indices, or have indices of their own where entries would repeat."""
    columns, shared = [], spliced.index_page(persons, len(PEOPLE))
    for place, name in enumerate(("first_name", "last_name", "city", "manager_id")):
        entries, page = [one[place] for one in PEOPLE], shared
        if not repeated:
            distinct = list(dict.fromkeys(entries))
            own = [None if person is None else distinct.index(entries[person]) for person in persons]
            entries, page = distinct, spliced.index_page(own, len(distinct))
        kind = spliced.INT64 if name == "manager_id" else spliced.BYTE_ARRAY
        columns.append(spliced.Column(name, kind).by_index(entries, page))
    columns.append(spliced.Column("line", spliced.INT64).by_delta(list(range(2, ROWS + 2))))
    columns.append(spliced.Column("total", spliced.INT64, decimal=True).by_delta([spend(number) for number in range(ROWS)]))
    spliced.write(path, columns, ROWS)


def write_reference(path, persons):
    import pyarrow as pa
    import pyarrow.parquet as pq

    def told(place):
        return [None if person is None else PEOPLE[person][place] for person in persons]

    total = [None if (cents := spend(number)) is None else Decimal(cents).scaleb(-2) for number in range(ROWS)]
    pq.write_table(pa.table({
        "first_name": told(0), "last_name": told(1), "city": told(2), "manager_id": pa.array(told(3), pa.int64()),
        "line": pa.array(range(2, ROWS + 2), pa.int64()), "total": pa.array(total, pa.decimal128(14, 2)),
    }), path)


class Readers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path, self.reference = (os.path.join(self.folder.name, name) for name in ("x.parquet", "x.reference.parquet"))

    def fares(self, name):
        wanted = Arrow([self.reference])
        expected = readers.looked_at(wanted, wanted, wanted.tables.column_names)
        return readers.compared(name, self.path, self.reference, expected)

    def verdicts(self, repeated):
        """The verdict of every reader but the two of Spark, which take minutes: `readers.py FOLDER` is where those are tried."""
        write_spliced(self.path, rows(True), repeated)
        write_reference(self.reference, rows(True))
        return {name: self.fares(name)[0] for name in readers.READERS if not name.startswith("spark")}

    def test_distinct_entries_read_the_same_everywhere(self):
        found = self.verdicts(repeated=False)
        self.assertEqual({name for name, verdict in found.items() if verdict != "same"}, set())

    def test_repeated_entries_are_read_wrong_as_dictionaries_and_right_otherwise(self):
        found = self.verdicts(repeated=True)
        self.assertEqual({name for name, verdict in found.items() if verdict != "same"}, WRONG_WITH_REPEATED)

    def test_one_row_about_somebody_else_is_found(self):
        wrong = rows(False)
        wrong[17] = (wrong[17] + 1) % len(PEOPLE)
        write_spliced(self.path, wrong, repeated=False)
        write_reference(self.reference, rows(False))
        for name in ("pyarrow", "duckdb", "polars"):
            verdict, lines = self.fares(name)
            self.assertEqual(verdict, "differs")
            self.assertTrue(any(line.startswith("whole rows") for line in lines), lines)

    def test_a_broken_page_is_an_error_and_the_exit_code_tells(self):
        write_spliced(self.path, rows(False), repeated=False)
        write_reference(self.reference, rows(False))
        with open(self.path, "r+b") as file:
            file.seek(60)
            file.write(b"\xff" * 40)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertFalse(readers.compare_file(self.path, self.reference, ["pyarrow", "duckdb"], False))
        self.assertEqual(said.getvalue().count(" error\n"), 2, said.getvalue())
