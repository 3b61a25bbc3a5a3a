"""Results as Markdown, put into BENCHMARKS.md between markers. Rendered from the JSON in bench/results and from nothing else."""
import json
import os
import re

from harness.measure import Failed

MISSING = "Not measured yet.\n"


# Options that say where things lie on the machine that measured, which is nobody else's business.
PLACES = ("--tillmart", "--servers", "--work")


def asked(arguments):
    """What was asked for on the command line, without places: what whoever measures again has to ask for."""
    kept, rest = [], iter(arguments)
    for argument in rest:
        if argument in PLACES:
            next(rest, None)
        elif argument.split("=")[0] not in PLACES:
            kept.append(argument)
    return kept


def begin(name):
    return f"<!-- bench:begin {name} -->"


def end(name):
    return f"<!-- bench:end {name} -->"


def blocks(text):
    """The names of all blocks in a text, in order."""
    return re.findall(r"<!-- bench:begin (\S+) -->", text)


def replaced(text, name, body):
    """The text with the block of this name holding `body`."""
    start, stop = text.find(begin(name)), text.find(end(name))
    if start < 0 or stop < start:
        raise Failed(f"BENCHMARKS.md has no block {name}: put a line `{begin(name)}` and a line `{end(name)}` where it shall stand")
    return text[: start + len(begin(name))] + "\n" + body.rstrip("\n") + "\n" + text[stop:]


def table(head, rows):
    """A Markdown table; all columns but the first are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def seconds(value):
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 100 else f"{value:,.0f} s"


def memory(value):
    return f"{value:,.0f} MiB"


def spread(measure, form):
    """A median with its least and most, when they are not the same."""
    least, most = form(measure["min"]), form(measure["max"])
    return form(measure["median"]) + (f" ({least} to {most})" if least != most else "")


def ratio(value, base):
    return f"{value / base:.2f} ×" if base and value / base < 10 else f"{value / base:.0f} ×" if base else "–"


def median(entry, name):
    return entry["summary"][name]["median"]


def counted(count, thing):
    """`1 row`, `2 rows`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def megabytes(count):
    return f"{count / 1e6:,.0f} MB"


def moment(machine):
    """The machine and the moment, in a sentence."""
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}; commit {machine['commit']}, "
            f"{machine['date']}, load before the first run {machine['load_before']}.\n")


def failure(entry):
    """How a tool failed, and at what: it is told, not left out."""
    last = entry["runs"][-1] if entry["runs"] else None
    if last is None:
        return "not run"
    return f"{last['failed']} after {seconds(last['wall_s'])}, {memory(last['peak_mib'])}"


def peers(told):
    """The table of a comparison: cost, ratio to Tillmart, size of the outputs, totals."""
    result = told["result"]
    base = next((entry for entry in result["tools"] if entry["name"] == "tillmart" and entry["summary"]), None)
    rows, notes = [], []
    for entry in result["tools"]:
        if entry["summary"] is None:
            rows.append([entry["label"], failure(entry), "–", "–", "–", "–", "–"])
            continue
        factors = [ratio(median(entry, name), median(base, name)) if base else "–" for name in ("wall_s", "cpu_s")]
        size = sum(entry["verdict"][mart]["bytes"] for mart in ("sales_data_mart", "customer_data_mart"))
        rows.append([entry["label"], spread(entry["summary"]["wall_s"], seconds), factors[0],
                     spread(entry["summary"]["cpu_s"], seconds), factors[1], memory(median(entry, "peak_mib")), megabytes(size)])
        if entry["finding"]:
            off = entry["finding"]
            notes.append(f"{entry['label']}: {off['incentives_off']} of {off['incentives']} incentives differ.")
        bad = [run for run in entry["runs"] if run["failed"]]
        if bad:
            notes.append(f"{entry['label']}: a further run failed ({bad[-1]['failed']}).")
    head = ["", "wall", "to Tillmart", "CPU", "to Tillmart", "peak memory", "row-level marts"]
    return "\n".join([table(head, rows), " ".join([agreed(result), *notes]) + "\n", moment(told["machine"])])


def same_rows(told):
    """How many rows a comparison is about."""
    return next(entry["verdict"]["sales_data_mart"]["row_count"] for entry in told["result"]["tools"] if entry["verdict"])


def agreed(result):
    """What all tools came to, in words; only those are named that did."""
    same = [entry for entry in result["tools"] if entry["verdict"] and not entry["finding"]]
    verdict = same[0]["verdict"]
    runs = sorted({entry["summary"]["runs"] for entry in result["tools"] if entry["summary"]})
    count = counted(runs[0], "run") if len(runs) == 1 else f"{runs[0]} to {runs[-1]} runs"
    wrong = [entry["label"] for entry in result["tools"] if any(run["failed"] == "other results" for run in entry["runs"])]
    size = f"{result['bytes'] / 1e9:.3g} GB" if result["bytes"] >= 10**7 else f"{result['bytes']:,} bytes"
    text = (f"{size} of CSV, {counted(verdict['sales_data_mart']['row_count'], 'row')}, {count} a tool in turn, medians. "
            f"{money(verdict['sales_data_mart']['cents'])} in money, {counted(verdict['customer_months'], 'customer month')} of "
            f"{money(verdict['spend_cents'])}, {counted(verdict['team_rows'], 'team row')}, "
            f"{money(verdict['incentive_cents'])} in incentives")
    return text + ("; equal in all" + (" others" if len(same) < len(result["tools"]) else "") + "."
                   if not wrong else f". OTHER RESULTS from {', '.join(wrong)}: these figures are void.")


def money(cents):
    return f"{cents // 100:,}.{cents % 100:02}"


def linear(results):
    """Tillmart over the sizes that were measured."""
    rows, base = [], None
    for told in results:
        entry = next((entry for entry in told["result"]["tools"] if entry["name"] == "tillmart" and entry["summary"]), None)
        if entry:
            size = told["result"]["bytes"] / 1e9
            costs = [median(entry, name) / size for name in ("wall_s", "cpu_s")]
            base = base or costs
            rows.append([f"{size:.3g} GB", seconds(median(entry, "wall_s")), seconds(costs[0]), ratio(costs[0], base[0]),
                         seconds(costs[1]), ratio(costs[1], base[1]), memory(median(entry, "peak_mib"))])
    return table(["size", "wall", "wall per GB", "to the first", "CPU per GB", "to the first", "peak memory"], rows) if rows else MISSING


def curve(told):
    """The days of a month, a few of them, and the ratio of the last to the first."""
    result = told["result"]
    count, edge = len(result["days"]), result["edge"]
    shown = [number for number in (1, 2, 3, 5, 10, 15, 20, 25, 28, 29, 30) if number <= count]
    rows = []
    for number in shown:
        day = result["days"][number - 1]
        rows.append([f"day {number}", seconds(day["wall_s"]), seconds(day["cpu_s"]), memory(day["peak_mib"])])
    ratios = result["ratios"]
    rows.append([f"last {edge} to first {edge} days, medians", *(f"{ratios[name]:.2f} ×" for name in ("wall_s", "cpu_s", "peak_mib"))])
    text = f"{count} daily batches of {result['day_size']} into one project and one month; `verify` found every mart right at the end.\n"
    return "\n".join([table(["", "wall", "CPU", "peak memory"], rows), text, moment(told["machine"])])


def against_first(entries, labels, told, text):
    """A table of Tillmart's runs of several kinds, with ratios to the first of them."""
    base = entries[0]
    rows = [[label, spread(entry["summary"]["wall_s"], seconds), ratio(median(entry, "wall_s"), median(base, "wall_s")),
             spread(entry["summary"]["cpu_s"], seconds), ratio(median(entry, "cpu_s"), median(base, "cpu_s")),
             memory(median(entry, "peak_mib"))] for entry, label in zip(entries, labels)]
    return "\n".join([table(["", "wall", "to the first", "CPU", "to the first", "peak memory"], rows), text, moment(told["machine"])])


def files(told):
    shapes = told["result"]["shapes"]
    labels = [shape["label"] if shape["label"] == "one file" else f"{shape['files']:,} {shape['label']}" for shape in shapes]
    text = f"{told['result']['size']} of the same rows in each; all marts equal, row by row.\n"
    return against_first(shapes, labels, told, text)


def stores(told):
    entries = told["result"]["stores"]
    text = (f"{told['result']['size']}; SQLite in both, rollups equal. The gateway runs on the same cores; its CPU is not in the figure.\n")
    return against_first(entries, [entry["label"] for entry in entries], told, text)


def idle(told):
    rows = [[entry["label"], spread(entry["summary"]["wall_s"], seconds), spread(entry["summary"]["cpu_s"], seconds),
             memory(median(entry, "peak_mib"))] for entry in told["result"]["commands"]]
    text = f"In a project in which {told['result']['size']} landed, {told['result']['commands'][0]['summary']['runs']} runs each, medians.\n"
    return "\n".join([table(["", "wall", "CPU", "peak memory"], rows), text, moment(told["machine"])])


def body(name, results):
    """The text of a block, from the results by name; None where there is no result for it."""
    if name == "linear":
        sizes = [results[key] for key in sorted(results, key=lambda key: results[key]["result"].get("bytes", 0)) if key.startswith("peers-")]
        return linear(sizes)
    if name not in results:
        return MISSING
    kind = name.split("-")[0]
    made = {"peers": peers, "start": peers, "usual": peers, "curve": curve, "files": files, "stores": stores, "idle": idle}.get(kind)
    if made is None:
        raise Failed(f"BENCHMARKS.md has a block {name}, and nothing is known by that name")
    return made(results[name])


def stored(folder):
    """All kept results, by name."""
    found = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith(".json"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found[name[: -len(".json")]] = json.load(file)
    return found


def write(path, results):
    """Writes every block of a Markdown file anew."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name in blocks(text):
        text = replaced(text, name, body(name, results))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
