"""Reads Parquet files or a Delta table in every reader that people use, and compares with a reference that an ordinary writer wrote.

    python bench/readers.py FILE.parquet REFERENCE.parquet [--only NAMES] [--verbose]
    python bench/readers.py DELTA_TABLE_FOLDER REFERENCE.parquet
    python bench/readers.py FOLDER          every X.parquet in it beside X.reference.parquet

For files of unusual but legal encodings: dictionaries with repeated entries, index pages shared by columns, pages that Snappy holds as they
are. Compared are every column's values, NULLs and sum and the whole rows, and of each reader's own engine the groups, counts by
filter and distinct values of every column. Each reader works in a process of its own. Exit code 1 when any reader differs or fails.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.readings import READERS, Arrow, Delta, view  # noqa: E402

# Of each column these many values, from the most to the least frequent, are asked for by a filter.
ASKED = 5
TIMEOUT_S = 1800


def text(value):
    """A value as text that compares across readers."""
    return None if value is None else str(value)


def pairs(groups):
    """Groups as sorted pairs. A value that comes twice stays twice: that is a fault to be seen."""
    return sorted(([text(value), count] for value, count in groups), key=lambda pair: (pair[0] is not None, pair[0] or "", pair[1]))


def asked_of(groups):
    """Values to ask for: frequent ones, rare ones, and NULL."""
    values = [value for value, _ in sorted(groups, key=lambda pair: (-pair[1], str(pair[0]))) if value is not None]
    return [*values[:ASKED], *values[ASKED:][-ASKED:], None]


def looked_at(reader, reference, columns):
    """The answers of a reader to everything that is compared. What to ask for comes from the reference."""
    told = view(reader.table(columns))
    for column in columns:
        told[f"{column}: groups"] = pairs(reader.groups(column))
        told[f"{column}: distinct"] = reader.distinct(column)
        counts = [[text(value), reader.count(column, value)] for value in asked_of(reference.groups(column))]
        told[f"{column}: counts"] = counts
    return told


def files_of(path):
    """The files of a Delta table or a plain file, and the table's folder or None."""
    if os.path.isdir(os.path.join(path, "_delta_log")):
        from deltalake import DeltaTable

        return sorted(DeltaTable(path).file_uris()), path
    return [path], None


def read_one(name, path, reference, answer):
    """What the process of one reader does."""
    files, table = files_of(path)
    wanted = Arrow([reference])
    # Partition columns stand in the paths and not in the files: the reference has just what the files have.
    columns = wanted.tables.column_names
    reader = Delta(files, table) if name == "deltalake" else READERS[name](files)
    with open(answer, "w", encoding="utf-8") as file:
        json.dump(looked_at(reader, wanted, columns), file)


def answered(name, path, reference):
    """What one reader answers, in a process of its own, or (None, why it could not)."""
    with tempfile.TemporaryDirectory() as folder:
        answer = os.path.join(folder, "answer.json")
        command = [sys.executable, os.path.abspath(__file__), path, reference, "--read", name, "--answer", answer]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return None, [f"no answer after {TIMEOUT_S} s"]
        if not os.path.isfile(answer) or os.path.getsize(answer) == 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            return None, [f"exit code {done.returncode}", *lines[-3:]]
        with open(answer, encoding="utf-8") as file:
            return json.load(file), []


def compared(name, path, reference, expected):
    """How one reader fares: ("same" | "as the reference" | "differs" | "error", what is to be told).

    "As the reference" is a reader that cannot do it with the ordinary file either: its own limit, and no fault of the file's.
    """
    found, why = answered(name, path, reference)
    if found == expected:
        return "same", []
    usual, usual_why = answered(name, reference, reference)
    if found is None:
        return ("as the reference" if usual_why == why else "error"), why
    wrong = [f"{key}: {short(found.get(key))}, not {short(value)}" for key, value in expected.items() if found.get(key) != value]
    wrong += [f"{key}: not expected" for key in found if key not in expected]
    return ("as the reference" if found == usual else "differs"), wrong


def short(value):
    told = str(value)
    return told if len(told) <= 120 else told[:117] + "..."


def compare_file(path, reference, names, verbose):
    """All readers over one file; returns whether none has trouble with it that it would not have with the reference."""
    print(f"{path} against {reference}", flush=True)
    wanted = Arrow([reference])
    expected = looked_at(wanted, wanted, wanted.tables.column_names)
    good = True
    for name in names:
        verdict, lines = compared(name, path, reference, expected)
        good &= verdict in ("same", "as the reference")
        print(f"  {name:24} {verdict}", flush=True)
        for line in lines if verbose else lines[:6]:
            print(f"      {line}")
        if len(lines) > 6 and not verbose:
            print(f"      and {len(lines) - 6} more (--verbose)")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="a Parquet file, a Delta table's folder, or a folder of files beside their references")
    parser.add_argument("reference", nargs="?", help="the Parquet file that an ordinary writer wrote")
    parser.add_argument("--only", help="readers, separated by commas: " + ", ".join(READERS))
    parser.add_argument("--verbose", action="store_true", help="tell every difference")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--answer", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.read:
        return read_one(told.read, told.path, told.reference, told.answer)
    names = told.only.split(",") if told.only else list(READERS)
    if unknown := [name for name in names if name not in READERS]:
        sys.exit(f"no such reader: {', '.join(unknown)}")
    tries = [(told.path, told.reference)]
    if told.reference is None:
        references = sorted(glob.glob(os.path.join(told.path, "*.reference.parquet")))
        tries = [(path.replace(".reference.parquet", ".parquet"), path) for path in references]
        if not tries:
            sys.exit(f"{told.path} holds no X.reference.parquet: name the reference, or put it there")
    good = [compare_file(path, reference, names, told.verbose) for path, reference in tries]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # Some readers' own threads may abort an orderly exit.
    os._exit(0)
