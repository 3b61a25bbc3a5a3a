"""What every peer has in common: the arguments, the feed's columns, and the SQLite file that the rollups go to.

A peer's whole job: sales CSV and dimension CSV in, the two row-level marts out as Snappy Parquet, customer spend and sales-team
incentives into SQLite. Nothing here is measured on its own, and nothing here knows an engine.
"""
import argparse
import contextlib
import json
import os
import sqlite3

# Name and type of each column of the sales feed, in the order of the file. Types are as SQL spells them.
SALES = [
    ("customer_id", "BIGINT"),
    ("store_id", "INTEGER"),
    ("product_name", "VARCHAR"),
    ("sales_date", "DATE"),
    ("sales_person_id", "BIGINT"),
    ("price", "DECIMAL(14,4)"),
    ("quantity", "INTEGER"),
    ("total_cost", "DECIMAL(14,2)"),
]
CUSTOMER = [
    ("customer_id", "BIGINT"),
    ("first_name", "VARCHAR"),
    ("last_name", "VARCHAR"),
    ("address", "VARCHAR"),
    ("pincode", "VARCHAR"),
    ("phone_number", "VARCHAR"),
    ("customer_joining_date", "DATE"),
]
STORE = [
    ("id", "INTEGER"),
    ("address", "VARCHAR"),
    ("store_pincode", "VARCHAR"),
    ("store_manager_name", "VARCHAR"),
    ("store_opening_date", "DATE"),
    ("reviews", "VARCHAR"),
]
SALES_TEAM = [
    ("id", "BIGINT"),
    ("first_name", "VARCHAR"),
    ("last_name", "VARCHAR"),
    ("manager_id", "BIGINT"),
    ("is_manager", "VARCHAR"),
    ("address", "VARCHAR"),
    ("pincode", "VARCHAR"),
    ("joining_date", "DATE"),
]

# The published tables: columns and keys of Tillmart's own, money as text with two fraction digits.
TABLES = """
CREATE TABLE customers_data_mart (
    customer_id      INTEGER NOT NULL,
    full_name        TEXT,
    address          TEXT,
    phone_number     TEXT,
    sales_date_month TEXT NOT NULL,
    total_sales      TEXT,
    PRIMARY KEY (customer_id, sales_date_month)
) WITHOUT ROWID;
CREATE TABLE sales_team_data_mart (
    store_id        INTEGER NOT NULL,
    sales_person_id INTEGER NOT NULL,
    full_name       TEXT,
    sales_month     TEXT NOT NULL,
    total_sales     TEXT,
    incentive       TEXT,
    PRIMARY KEY (store_id, sales_person_id, sales_month)
) WITHOUT ROWID;
"""


class Job:
    """Where a peer reads from and writes to."""

    def __init__(self):
        parser = argparse.ArgumentParser(description="One peer's whole job, from CSV to marts.")
        parser.add_argument("--sales", required=True, help="folder with the sales feed's CSV files")
        parser.add_argument("--dimensions", required=True, help="folder with customer.csv, store.csv, sales_team.csv")
        parser.add_argument("--out", required=True, help="folder to write to; made anew")
        told = parser.parse_args()
        self.sales = told.sales
        self.dimensions = told.dimensions
        self.out = told.out
        os.makedirs(self.out)

    def files(self):
        """The feed's CSV files, by name."""
        return sorted(os.path.join(self.sales, name) for name in os.listdir(self.sales) if name.endswith(".csv"))

    def dimension(self, name):
        """The CSV file of a dimension."""
        return os.path.join(self.dimensions, f"{name}.csv")

    def mart(self, name):
        """The folder of a row-level mart, which is made."""
        folder = os.path.join(self.out, name)
        os.makedirs(folder, exist_ok=True)
        return folder

    @contextlib.contextmanager
    def database(self):
        """The SQLite file with empty tables, as quick as SQLite goes: no journal, nothing forced to the disk."""
        connection = sqlite3.connect(os.path.join(self.out, "marts.db"))
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(TABLES)
        yield connection
        connection.commit()
        connection.close()


def publish_spend(connection, rows):
    """Writes (customer_id, full_name, address, phone_number, month, total) rows, best in order of the key."""
    connection.executemany("INSERT INTO customers_data_mart VALUES (?, ?, ?, ?, ?, ?)", rows)


def publish_team(connection, rows):
    """Writes (store_id, sales_person_id, full_name, month, total, incentive) rows, best in order of the key."""
    connection.executemany("INSERT INTO sales_team_data_mart VALUES (?, ?, ?, ?, ?, ?)", rows)


def done(**told):
    """Ends a job with its one line of JSON; what is in the marts is judged from the marts."""
    print(json.dumps(told))
