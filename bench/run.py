"""Tillmart against the tools that people would pick instead, and alone where only its own figures matter.

Started by `cargo xtask bench`, which makes the Python environment and the binary; see bench/README.md. What is measured is kept in
bench/results/*.json, and from there BENCHMARKS.md and docs/bench.svg are written.
"""
import argparse
import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)

from harness import alone, chart, machine, report  # noqa: E402
from harness.compare import Comparison  # noqa: E402
from harness.data import DAY, DataSet  # noqa: E402
from harness.measure import Failed  # noqa: E402
from harness.tools import Tillmart, chosen  # noqa: E402

PEERS = ["tillmart", "tillmart_all", "duckdb", "polars", "datafusion", "pyspark_explicit"]
# What a tool is compared with where a size is more than its memory or anybody's patience allows.
AT_SIZE = {"15GB": ["tillmart", "tillmart_all"]}
MODES = {
    "start": "one row: what each tool costs before it does anything",
    "usual": "Tillmart and PySpark as such projects write it, 500,000 rows",
    "curve": "Tillmart alone: 30 daily batches of --size (500MB) into one month",
    "files": "Tillmart alone: --size as one file, as files of 50 MB, as files of 1 MB",
    "idle": "Tillmart alone: a run with nothing to do, and --help",
    "stores": "Tillmart alone: --size from a folder and from RadosGW",
    "render": "measure nothing, write BENCHMARKS.md and docs/bench.svg anew from bench/results",
}


def arguments():
    parser = argparse.ArgumentParser(prog="cargo xtask bench", description=__doc__.splitlines()[0])
    for name, about in MODES.items():
        parser.add_argument(f"--{name}", action="store_true", help=about)
    parser.add_argument("--size", help="bytes of CSV, such as 50MB, 1GB, 4GB, 15GB (default 1GB)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each tool (default 3)")
    parser.add_argument("--days", type=int, default=alone.DAYS, help="days of --curve (default 30)")
    parser.add_argument("--only", help="tools, separated by commas: tillmart, tillmart_all and the jobs in bench/peers (default: all; at 15GB the first two)")
    parser.add_argument("--tillmart", help="the binary to measure")
    parser.add_argument("--servers", help="the program tillmart-servers, for --stores")
    parser.add_argument("--work", default=os.path.join(ROOT, "target", "bench"), help="where data and marts go; on the disk to measure")
    parser.add_argument("--trial", action="store_true", help="measure and print, keep no result and write no document")
    return parser.parse_args()


class Bench:
    """What the modes share: binary, places, numbers."""

    def __init__(self, told):
        if not told.tillmart or not os.access(told.tillmart, os.X_OK):
            raise Failed(f"no binary to measure at {told.tillmart}: build it with `cargo build --release -p tillmart` and name it with --tillmart")
        self.tillmart = Tillmart(os.path.abspath(told.tillmart))
        self.work = os.path.abspath(told.work)
        self.size, self.runs, self.days, self.only, self.servers = told.size, told.runs, told.days, told.only, told.servers
        os.makedirs(self.work, exist_ok=True)

    def data(self, name, sales, **more):
        """The data set of this name, made if it is not there."""
        say(f"data {name}: {' '.join(sales)}")
        return DataSet(os.path.join(self.work, f"data-{name}"), self.tillmart.binary).make(sales, **more)

    def compared(self, data, default, may_differ=()):
        tools = chosen(self.tillmart.binary, self.only, default)
        work = os.path.join(self.work, "compare")
        os.makedirs(work, exist_ok=True)
        return Comparison(data, tools, work, say, may_differ).run(self.runs)


def say(text):
    print(text, flush=True)


def peers(bench):
    size = (bench.size or "1GB").upper()
    return f"peers-{size}", bench.compared(bench.data(f"peers-{size}", ["--size", size, "--day", DAY]), AT_SIZE.get(size, PEERS))


def start(bench):
    return "start", bench.compared(bench.data("start", ["--rows", "1", "--day", DAY]), PEERS)


def usual(bench):
    # Its inner joins lose sales without a customer, so there are none. The dimensions are those of `generate` by itself.
    data = bench.data("usual", ["--rows", "500000", "--anonymous", "0"], shape=[])
    return "usual", bench.compared(data, ["tillmart", "pyspark_usual"], may_differ=("pyspark_usual",))


def measure(told):
    """Runs the chosen mode; returns its name, its result, and the tools whose results were wrong."""
    bench = Bench(told)
    for name in ("curve", "files", "idle", "stores"):
        if getattr(told, name):
            return name, getattr(alone, name)(bench, say), []
    name, comparison = start(bench) if told.start else usual(bench) if told.usual else peers(bench)
    return name, comparison.result(), comparison.failed()


def keep(name, told):
    """Writes the raw result."""
    folder = os.path.join(HERE, "results")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)
        file.write("\n")


def render():
    """Writes the documents from the kept results."""
    results = report.stored(os.path.join(HERE, "results"))
    report.write(os.path.join(ROOT, "BENCHMARKS.md"), results)
    if "peers-1GB" in results:
        told = results["peers-1GB"]
        rows = report.same_rows(told)
        svg = chart.drawn(told, f"One business day of 1 GB ({rows:,} sales), CSV to marts, two cores")
        with open(os.path.join(ROOT, "docs", "bench.svg"), "w", encoding="utf-8") as file:
            file.write(svg)


def main():
    told = arguments()
    if sum(getattr(told, name) for name in MODES) > 1:
        raise Failed(f"one of --{', --'.join(MODES)} at a time")
    wrong = []
    if not told.render:
        before = machine.described(ROOT)
        name, result, wrong = measure(told)
        kept = {"machine": before, "tillmart": os.path.basename(told.tillmart), "arguments": report.asked(sys.argv[1:]), "result": result}
        say(report.body(name, {name: kept}))
        if told.trial:
            shutil.rmtree(os.path.join(told.work, "compare"), ignore_errors=True)
        else:
            keep(name, kept)
    if not told.trial:
        render()
    if wrong:
        raise Failed(f"other results than the reference: {', '.join(wrong)}")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"bench: {failure}")
