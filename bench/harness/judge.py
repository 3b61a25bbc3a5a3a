"""Judges a tool's outputs, whichever tool made them: the totals, and with --rows every row.

    python judge.py OUTPUTS.json VERDICT.json [--rows]

Reads the row-level marts with DuckDB (a Delta table by the list of files that deltalake gives) and the rollups with Python's sqlite3. Money is
counted in cents, as integers. Not part of anything that is measured.
"""
import glob
import hashlib
import json
import os
import sqlite3
import sys
from decimal import Decimal


SALES = [
    ("customer_id", "BIGINT"), ("store_id", "INTEGER"), ("product_name", "VARCHAR"), ("sales_date", "DATE"),
    ("sales_person_id", "BIGINT"), ("price", "DECIMAL(14,4)"), ("quantity", "INTEGER"), ("total_cost", "DECIMAL(14,2)"),
    ("additional_column", "VARCHAR"), ("sales_person_first_name", "VARCHAR"), ("sales_person_last_name", "VARCHAR"),
    ("sales_person_address", "VARCHAR"), ("sales_person_pincode", "VARCHAR"), ("manager_id", "BIGINT"), ("is_manager", "VARCHAR"),
    ("store_manager_name", "VARCHAR"), ("transaction_id", "VARCHAR"), ("sales_month", "VARCHAR"),
]
CUSTOMER = [
    ("customer_id", "BIGINT"), ("first_name", "VARCHAR"), ("last_name", "VARCHAR"), ("address", "VARCHAR"), ("pincode", "VARCHAR"),
    ("phone_number", "VARCHAR"), ("sales_date", "DATE"), ("total_cost", "DECIMAL(14,2)"),
]
MARTS = {"sales_data_mart": SALES, "customer_data_mart": CUSTOMER}
ROLLUPS = {
    "customers_data_mart": "SELECT customer_id, sales_date_month, full_name, address, phone_number, total_sales "
                           "FROM customers_data_mart ORDER BY customer_id, sales_date_month",
    "sales_team_data_mart": "SELECT store_id, sales_person_id, sales_month, full_name, total_sales, incentive "
                            "FROM sales_team_data_mart ORDER BY store_id, sales_person_id, sales_month",
}


def files_of(outputs, mart):
    """The Parquet files that make up a mart."""
    folder = os.path.join(outputs["marts"], mart)
    if outputs["kind"] == "tillmart":
        from deltalake import DeltaTable

        return sorted(DeltaTable(folder).file_uris())
    return sorted(glob.glob(os.path.join(folder, "**", "*.parquet"), recursive=True))


def row_mart(files, columns, every_row):
    """Rows, cents and bytes of a mart; with `every_row` a fingerprint of each column and of whole rows, whatever their order."""
    if not files:
        return {"files": 0}
    import duckdb

    db = duckdb.connect()
    db.execute("SET threads = 2")
    hive = "hive_partitioning = true, hive_types = {'sales_month': VARCHAR, 'store_id': INTEGER}"
    # Only partition columns that are there may be named.
    relation = f"read_parquet($files, {hive if 'sales_month=' in files[0] else 'hive_partitioning = false'})"
    typed = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in columns)
    wanted = ["COUNT(*) AS row_count", "SUM(CAST(total_cost * 100 AS BIGINT)) AS cents"]
    if every_row:
        wanted += [f"SUM(hash({name})::HUGEINT)::VARCHAR AS {name}_fingerprint" for name, _ in columns]
        wanted.append(f"SUM(hash({', '.join(name for name, _ in columns)})::HUGEINT)::VARCHAR AS row_fingerprint")
    found = db.execute(f"SELECT {', '.join(wanted)} FROM (SELECT {typed} FROM {relation})", {"files": files})
    names = [column[0] for column in found.description]
    told = dict(zip(names, found.fetchone()))
    told = {name: int(value) if name in ("row_count", "cents") else value for name, value in told.items()}
    return {**told, "files": len(files), "bytes": sum(os.path.getsize(path) for path in files)}


def cents(text):
    """Money as text in whole cents; anything that is not text with at most two fraction digits is refused."""
    if not isinstance(text, str):
        raise ValueError(f"money that is not text: {text!r}")
    value = Decimal(text) * 100
    if value != value.to_integral_value():
        raise ValueError(f"money with more than two fraction digits: {text}")
    return int(value)


def rollups(path):
    """Count, sums in cents and a digest of every row of the two published tables, and the incentives one by one."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    told, sums, digest = {}, [0, 0, 0], hashlib.sha256()
    count = 0
    for *key, total in db.execute(ROLLUPS["customers_data_mart"]):
        sums[0] += (total := cents(total))
        digest.update(repr((*key, total)).encode())
        count += 1
    told.update(customer_months=count, spend_cents=sums[0], spend_digest=digest.hexdigest())
    team, digest = [], hashlib.sha256()
    for *key, total, incentive in db.execute(ROLLUPS["sales_team_data_mart"]):
        total, incentive = cents(total), cents(incentive)
        sums[1] += total
        sums[2] += incentive
        digest.update(repr((*key, total, incentive)).encode())
        team.append([*key[:3], total, incentive])
    told.update(team_rows=len(team), team_cents=sums[1], incentive_cents=sums[2], team_digest=digest.hexdigest(), team=team)
    return told


def judged(outputs, every_row=False):
    """Everything that two tools must agree on, and the size of what they wrote."""
    told = {mart: row_mart(files_of(outputs, mart), columns, every_row) for mart, columns in MARTS.items()}
    told.update(rollups(outputs["database"]))
    return told


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as source:
        verdict = judged(json.load(source), "--rows" in sys.argv[3:])
    with open(sys.argv[2], "w", encoding="utf-8") as target:
        json.dump(verdict, target)
    # The readers' own threads may abort an orderly exit, which would turn a good answer bad.
    sys.stdout.flush()
    os._exit(0)
