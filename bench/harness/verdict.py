"""Holds one tool's verdict against the reference, and tells what differs."""
import json
import os
import subprocess
import sys

from harness.judge import rollups
from harness.measure import Failed

JUDGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "judge.py")
TOTALS = ("customer_months", "spend_cents", "spend_digest", "team_rows", "team_cents", "incentive_cents", "team_digest")
SIZES = ("files", "bytes")


def judge(outputs, work, every_row):
    """Has the outputs judged in a process of its own, so that its memory is gone afterwards."""
    asked, answer = os.path.join(work, "outputs.json"), os.path.join(work, "verdict.json")
    with open(asked, "w", encoding="utf-8") as file:
        json.dump(outputs, file)
    command = [sys.executable, JUDGE, asked, answer, *(["--rows"] if every_row else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"the outputs in {outputs['marts']} could not be judged:\n{done.stderr}")
    with open(answer, encoding="utf-8") as file:
        return json.load(file)


def published(database):
    """Counts, sums and digests of the rollups in a SQLite file."""
    told = rollups(database)
    return {name: told[name] for name in TOTALS}


def differences(found, reference):
    """What differs from the reference, one line each; empty when all totals and rows agree."""
    lines = []
    for name in TOTALS:
        if found[name] != reference[name]:
            lines.append(f"{name}: {found[name]}, not {reference[name]}")
    for mart in ("sales_data_mart", "customer_data_mart"):
        for name, wanted in reference[mart].items():
            if name not in SIZES and name in found[mart] and found[mart][name] != wanted:
                lines.append(f"{mart} {name}: {found[mart][name]}, not {wanted}")
        for name in ("row_count", "cents"):
            if name not in found[mart]:
                lines.append(f"{mart}: no {name}")
    return lines


def incentives_off(found, reference):
    """How many (store, person, month) have another incentive than the reference, and how many there are."""
    wanted = {tuple(row[:3]): row[4] for row in reference["team"]}
    paid = {tuple(row[:3]): row[4] for row in found["team"]}
    return sum(paid.get(key) != cents for key, cents in wanted.items()), len(wanted)


def told_totals(verdict):
    """A verdict without its long list of rows, to be kept."""
    return {name: value for name, value in verdict.items() if name != "team"}
