"""Tillmart alone: many days in a row, one file or many, nothing to do, and a bucket instead of a folder."""
import datetime
import os
import shutil
import statistics

from harness import verdict
from harness.data import DAY, SHAPE, called, cut, clean_environment, deliver, folder_bytes, need_room, size_in_bytes, warm
from harness.measure import Failed, measured, summary, why_failed
from harness.stores import Servers

DAYS = 30
# A file of 1 MB costs a ledger row, a copy and a delete; that is what this shape is to show.
SHAPES = (("one file", None), ("files of 50 MB", 50 * 10**6), ("files of 1 MB", 10**6))


def checked(told):
    """A measured run, or a failure that says what the run said."""
    if told["failed"]:
        raise Failed(f"tillmart run failed ({told['failed']}):\n{told['said']}")
    return told


def curve(bench, say):
    """Daily batches of one month, one after the other, into the same project. Archived files go after each day."""
    day_size = bench.size or "500MB"
    data = bench.data("curve", ["--rows", "1", "--day", DAY])
    folder = os.path.join(bench.work, "curve-project")
    need_room(bench.work, size_in_bytes(day_size) * bench.days, 0.8)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(os.path.realpath(data.project), folder)
    days = []
    for number in range(bench.days):
        day = (datetime.date.fromisoformat(DAY) + datetime.timedelta(days=number)).isoformat()
        called([bench.tillmart.binary, "generate", "--project", folder, "--no-dimensions", "--size", day_size, "--day", day,
                "--seed", str(1000 + number), *SHAPE])
        told = checked(bench.tillmart.run_project(folder, None, os.path.join(bench.work, "curve.log")))
        told["day"] = day
        days.append(told)
        say(f"  {day} {told['wall_s']:7.2f} s wall {told['cpu_s']:7.2f} s CPU {told['peak_mib']:6.0f} MiB")
        archive = os.path.join(folder, "storage", "sales_data_processed")
        shutil.rmtree(archive)
        os.mkdir(archive)
    called([bench.tillmart.binary, "--project", folder, "verify"])
    shutil.rmtree(folder)
    edge = max(1, min(3, bench.days // 3))
    ratios = {
        name: round(statistics.median(day[name] for day in days[-edge:]) / statistics.median(day[name] for day in days[:edge]), 3)
        for name in ("wall_s", "cpu_s", "peak_mib")
    }
    return {"day_size": day_size, "days": days, "edge": edge, "ratios": ratios}


def files(bench, say):
    """The same rows as one file, as files of 50 MB and as files of 1 MB; one shape after the other, as the disk holds 15 GB but three times."""
    size, told, reference = bench.size or "1GB", [], None
    need_room(bench.work, size_in_bytes(size), 3)
    sales = ["--size", size, "--files", "1", "--day", DAY]
    for label, piece_bytes in SHAPES:
        one = bench.data("files", sales)
        delivered, count = one.sales, 1
        if piece_bytes:
            delivered = os.path.join(bench.work, "files-pieces")
            shutil.rmtree(delivered, ignore_errors=True)
            (source,) = os.listdir(one.sales)
            count = cut(os.path.join(one.sales, source), delivered, piece_bytes)
            one.drop_sales()
        runs = []
        for number in range(1, bench.runs + 1):
            ran, found = delivered_once(bench, one, delivered, number == 1)
            if ran["files_landed"] != count:
                raise Failed(f"{ran['files_landed']} of {count} files landed")
            reference = reference or found
            wrong = verdict.differences(found, reference)
            if wrong:
                raise Failed(f"{label} gave other results than one file:\n" + "\n".join(wrong))
            runs.append(ran)
            say(f"  {number} {count:6} {label:15} {ran['wall_s']:8.2f} s wall {ran['cpu_s']:8.2f} s CPU {ran['peak_mib']:6.0f} MiB")
        told.append({"label": label, "files": count, "summary": summary(runs), "runs": runs})
    shutil.rmtree(delivered)
    return {"size": size, "shapes": told}


def delivered_once(bench, data, delivered, every_row):
    """One run over a folder of files in a fresh project; what it cost, and the verdict on its marts."""
    project = os.path.join(bench.work, "files-project")
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(os.path.realpath(data.project), project)
    deliver(delivered, os.path.join(project, "storage", "sales_data"))
    warm(delivered)
    told = checked(bench.tillmart.run_project(project, None, os.path.join(bench.work, "files.log")))
    found = verdict.judge(bench.tillmart.outputs(project), bench.work, every_row)
    shutil.rmtree(project)
    return told, found


def idle(bench, say):
    """`--help`, and a run that finds nothing to do in a project in which a day has landed."""
    size = bench.size or "1GB"
    data = bench.data(f"peers-{size}", ["--size", size, "--day", DAY])
    need_room(bench.work, data.bytes())
    folder = os.path.join(bench.work, "idle-project")
    data.fresh_project(folder)
    checked(bench.tillmart.run_project(folder, data, os.path.join(bench.work, "idle.log")))
    binary, log = bench.tillmart.binary, os.path.join(bench.work, "idle.log")
    commands = [("nothing to do", [binary, "--project", folder, "run"]), ("--help", [binary, "--help"])]
    told = []
    for label, command in commands:
        runs = []
        for _ in range(max(10, bench.runs)):
            one = measured(command, log, clean_environment())
            one["failed"] = why_failed(one, log)
            if one["failed"]:
                raise Failed(f"{label} failed: {one['failed']}")
            runs.append(one)
        told.append({"label": label, "summary": summary(runs), "runs": runs})
        say(f"  {label:15} {summary(runs)['wall_s']['median'] * 1000:8.1f} ms")
    shutil.rmtree(folder)
    return {"size": size, "commands": told}


def stores(bench, say):
    """The same day from a folder and from a bucket of RadosGW on this machine, SQLite in both, in turn."""
    size = bench.size or "1GB"
    sales = ["--size", size, "--day", DAY]
    data = bench.data(f"peers-{size}", sales)
    need_room(bench.work, data.bytes(), 4)
    runs, landed = {"folder": [], "RadosGW": []}, None
    with Servers(bench.servers) as servers:
        for number in range(1, bench.runs + 1):
            for label, mine in runs.items():
                folder = os.path.join(bench.work, "stores-project")
                data.fresh_project(folder)
                environment = None
                if label == "RadosGW":
                    environment = servers.bucket()
                    called([bench.tillmart.binary, "generate", "--project", folder, "--no-dimensions", *sales, *SHAPE],
                           clean_environment(environment))
                    # What the dimensions were is kept beside the tables: the bucket's first run would find none of it and begin it.
                    called([bench.tillmart.binary, "--project", folder, "dimensions", "load", data.dimensions],
                           clean_environment(environment))
                told = checked(bench.tillmart.run_project(folder, data, os.path.join(bench.work, "stores.log"), environment))
                totals = (told["rows_landed"], verdict.published(os.path.join(folder, "tillmart.db")))
                landed = landed or totals
                if totals != landed:
                    raise Failed(f"{label} gave {totals}, not {landed}")
                mine.append(told)
                say(f"  {number} {label:10} {told['wall_s']:8.2f} s wall {told['cpu_s']:8.2f} s CPU {told['peak_mib']:6.0f} MiB")
                shutil.rmtree(folder)
    return {"size": size, "bytes": folder_bytes(data.sales),
            "stores": [{"label": label, "summary": summary(mine), "runs": mine} for label, mine in runs.items()]}
