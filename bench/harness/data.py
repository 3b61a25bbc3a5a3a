"""Data to measure on, made by `tillmart generate`, and fresh projects over it.

A data set is a folder with `sales/` (the feed's files), `dimensions/` (CSV) and `project/` (a Tillmart project with those dimensions
loaded and nothing landed). It is made once and not written to again, but for migrations of a newer Tillmart: a run gets a copy of the project and of the files (links would not do: a file of several names is copied at archiving).
"""
import os
import shutil
import subprocess

from harness.machine import free_bytes
from harness.measure import Failed

SHAPE = ["--customers", "1000000", "--stores", "200", "--sales-persons", "3000", "--products", "20000"]
DAY = "2024-03-01"
# A fresh project, its archive and its marts together take at most about this many times the feed's bytes.
ROOM = 2.2


def clean_environment(more=None):
    """This environment without any TILLMART_ variable, which would change what is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TILLMART_")}
    return {**kept, **(more or {})}


def called(command, environment=None):
    """Runs a command that is not measured; its output is returned, a failure is told with what it said."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                          env=environment or clean_environment())
    if done.returncode != 0:
        raise Failed(f"`{' '.join(map(str, command))}` failed with exit code {done.returncode}:\n{done.stderr}{done.stdout}")
    return done.stdout


def size_in_bytes(text):
    """`1GB` as bytes, as `tillmart generate --size` reads it."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if text.upper().endswith(unit) and text[:-2].isdigit():
            return int(text[:-2]) * factor
    raise Failed(f"a size is a whole number of MB or GB, such as 1GB, not {text}")


def folder_bytes(folder):
    """The bytes of all files below a folder."""
    return sum(os.path.getsize(os.path.join(here, name)) for here, _, names in os.walk(folder) for name in names)


class DataSet:
    """A data set in its folder; `make` does nothing when it is there already."""

    def __init__(self, folder, tillmart):
        self.folder, self.tillmart = folder, tillmart
        self.sales = os.path.join(folder, "sales")
        self.dimensions = os.path.join(folder, "dimensions")
        self.project = os.path.join(folder, "project")

    def make(self, sales, shape=SHAPE, dimensions_of=None):
        """Generates the sales with the given arguments, and the dimensions, or takes those of another data set."""
        done = os.path.join(self.folder, "made")
        told = " ".join([*sales, *shape])
        if os.path.isfile(done):
            with open(done, encoding="utf-8") as file:
                if file.read() == told:
                    return self.migrated()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        called([self.tillmart, "generate", "--no-dimensions", "--out", self.sales, *sales, *shape])
        if dimensions_of is None:
            called([self.tillmart, "generate", "--dimensions-only", "--out", self.dimensions, *shape])
            self.new_project(self.project)
        else:
            os.symlink(dimensions_of.dimensions, self.dimensions)
            os.symlink(dimensions_of.project, self.project)
        with open(done, "w", encoding="utf-8") as file:
            file.write(told)
        return self

    def migrated(self):
        """The project of a data set that an earlier Tillmart made, as this one wants it."""
        called([self.tillmart, "--project", self.project, "db", "migrate"])
        return self

    def new_project(self, folder, environment=None):
        """A project with the dimensions loaded. The example mart is taken out: no peer makes such a table."""
        called([self.tillmart, "init", folder], environment)
        marts = os.path.join(folder, "marts")
        for name in os.listdir(marts):
            os.remove(os.path.join(marts, name))
        called([self.tillmart, "--project", folder, "dimensions", "load", self.dimensions], environment)

    def bytes(self):
        """The bytes of the sales feed."""
        return folder_bytes(self.sales)

    def fresh_project(self, folder):
        """A copy of the project in `folder`, with copies of the sales, as old as they are, in its incoming area."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(os.path.realpath(self.project), folder)
        deliver(self.sales, os.path.join(folder, "storage", "sales_data"))

    def drop_sales(self):
        """Takes the sales away where the disk is needed; the next `make` begins anew."""
        shutil.rmtree(self.sales)
        os.remove(os.path.join(self.folder, "made"))

    def warm(self):
        """Reads the feed and the dimensions, so that they are in the page cache as far as it goes."""
        warm(self.sales)
        warm(self.dimensions)


def warm(folder):
    """Reads every file of a folder once."""
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb", buffering=0) as file:
            while file.read(8 << 20):
                pass


def deliver(files, incoming):
    """Copies every file of a folder into an incoming area, with its time: young files would be waited for."""
    for name in sorted(os.listdir(files)):
        shutil.copy2(os.path.join(files, name), os.path.join(incoming, name))


def need_room(folder, size, times=ROOM):
    """Refuses to begin what the disk cannot hold."""
    os.makedirs(folder, exist_ok=True)
    wanted, free = int(size * times), free_bytes(folder)
    if free < wanted:
        raise Failed(f"{folder} has {free / 1e9:.1f} GB to spare and this needs about {wanted / 1e9:.1f} GB: "
                     "name another place with --work, or a smaller --size")


def cut(path, folder, piece_bytes):
    """Cuts a CSV file into files of about so many bytes at the ends of records, each with the header; returns how many.

    An end of line is the end of a record where the quotes before it are even.
    """
    os.makedirs(folder)
    with open(path, "rb") as file:
        header, number = file.readline(), 0
        while block := file.read(piece_bytes):
            rest, quotes = [], block.count(b'"')
            ended = block.endswith(b"\n")
            while quotes % 2 or not ended:
                line = file.readline()
                if not line:
                    break
                rest.append(line)
                quotes += line.count(b'"')
                ended = line.endswith(b"\n")
            number += 1
            with open(os.path.join(folder, f"sales_{number:05}.csv"), "wb") as piece:
                piece.writelines([header, block, *rest])
    return number
