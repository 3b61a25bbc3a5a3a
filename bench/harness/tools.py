"""The tools that are compared: how each is started, and where its outputs lie."""
import json
import os
import shutil
import sys

from harness.data import clean_environment
from harness.measure import Failed, measured, tail, why_failed

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.join(BENCH, "peers")
# Marts that no peer writes, as the setting marts.leave_out takes them.
NOT_COMPARED = "store_day_data_mart,sales_person_day_data_mart,product_day_data_mart,off_list_day_data_mart"


class Tillmart:
    """Tillmart as it comes, with all its marts, on a fresh project in a folder with SQLite."""

    name = "tillmart_all"
    label = "Tillmart with all its marts"

    def __init__(self, binary):
        self.binary = binary

    def run(self, data, folder, log):
        """Does the whole job once on `data` and returns what it cost; the project stays in `folder`."""
        data.fresh_project(folder)
        return self.run_project(folder, data, log)

    def run_project(self, folder, data, log, environment=None):
        """One `tillmart run` of a project, measured; what it does must all be done."""
        if data:
            data.warm()
        os.sync()
        told = measured([self.binary, "--project", folder, "--json", "run"], log, clean_environment(environment))
        told["failed"] = why_failed(told, log)
        if told["failed"] is None:
            with open(log + ".out", encoding="utf-8") as file:
                summary = json.load(file)
            told["rows_landed"], told["files_landed"] = summary["rows_landed"], summary["files_landed"]
        else:
            told["said"] = tail(log)
        return told

    def outputs(self, folder):
        """Where the judge finds the marts."""
        return {"kind": "tillmart", "marts": os.path.join(folder, "storage"), "database": os.path.join(folder, "tillmart.db")}


class TheSameMarts(Tillmart):
    """Tillmart with the marts that every tool writes: without those of days, and with a sales mart that has no list price."""

    name = "tillmart"
    label = "Tillmart"

    def run(self, data, folder, log):
        """Does the whole job once on `data` and returns what it cost; the project stays in `folder`."""
        data.fresh_project(folder)
        shutil.copy(os.path.join(BENCH, "marts", "sales_data_mart.sql"), os.path.join(folder, "marts"))
        return self.run_project(folder, data, log, {"TILLMART_MARTS_LEAVE_OUT": NOT_COMPARED})


class Peer:
    """A script of `bench/peers`."""

    def __init__(self, name, label, needs_java=False):
        self.name, self.label, self.needs_java = name, label, needs_java

    def run(self, data, folder, log):
        """Does the whole job once on `data` and returns what it cost; the outputs stay in `folder`."""
        if self.needs_java and shutil.which("java") is None:
            raise Failed(f"{self.label} needs Java 17 or later: install it, or leave {self.name} out with --only")
        shutil.rmtree(folder, ignore_errors=True)
        data.warm()
        os.sync()
        script = os.path.join(PEERS, f"job_{self.name}.py")
        command = [sys.executable, script, "--sales", data.sales, "--dimensions", data.dimensions, "--out", folder]
        told = measured(command, log, clean_environment({"PYTHONDONTWRITEBYTECODE": "1"}))
        told["failed"] = why_failed(told, log)
        if told["failed"] is None:
            with open(log + ".out", encoding="utf-8") as file:
                told["told"] = json.loads(file.read().splitlines()[-1])
        else:
            told["said"] = tail(log)
        return told

    def outputs(self, folder):
        """Where the judge finds the marts."""
        return {"kind": "peer", "marts": folder, "database": os.path.join(folder, "marts.db")}


def all_tools(tillmart):
    """Every tool, Tillmart first."""
    return [
        TheSameMarts(tillmart),
        Tillmart(tillmart),
        Peer("duckdb", "DuckDB"),
        Peer("polars", "Polars"),
        Peer("datafusion", "DataFusion (Python, plain SQL)"),
        Peer("pyspark_explicit", "PySpark, explicit schema, local[2]", needs_java=True),
        Peer("pyspark_usual", "PySpark as such projects write it", needs_java=True),
    ]


def chosen(tillmart, names, default):
    """The tools with these names, in our order; an unknown name is refused."""
    tools = {tool.name: tool for tool in all_tools(tillmart)}
    wanted = names.split(",") if names else default
    unknown = [name for name in wanted if name not in tools]
    if unknown:
        raise Failed(f"no such tool: {', '.join(unknown)}; there are {', '.join(tools)}")
    return [tool for name, tool in tools.items() if name in wanted]
