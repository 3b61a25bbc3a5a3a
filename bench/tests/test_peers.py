"""Every peer does the job of PRODUCT's rules on a day worked out by hand, and the judge finds whatever is spoilt in their outputs."""
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from harness import verdict
from harness.tools import PEERS

JOBS = ("duckdb", "polars", "datafusion", "pyspark_explicit")
DIMENSIONS = {
    "customer": 'customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date\n'
                '1,Ada,"O\'Brien","1 High Street, Leeds",10001,900,2020-01-01\n2,Bo,Li,"The ""Old"" Mill",10002,901,2020-01-02\n',
    "store": "id,address,store_pincode,store_manager_name,store_opening_date,reviews\n7,1 Way,1,Mo Moss,2010-01-01,\n"
             "8,2 Way,2,Kim Koss,2010-01-01,good\n",
    "sales_team": "id,first_name,last_name,manager_id,is_manager,address,pincode,joining_date\n11,Sam,One,13,N,A Street,1,2020-01-01\n"
                  "12,Pat,Two,13,N,B Street,2,2020-01-01\n13,Max,Boss,,Y,C Street,3,2020-01-01\n",
}
HEADER = "customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost\n"
SALES = {
    # Totals of 0.50 earn half a cent, which is rounded up; 11 and 12 tie; 13 has less than both.
    "a.csv": HEADER + '1,7,"Salt, fine",2024-03-01,11,0.5000,1,0.50\n2,7,Tea,2024-03-02,12,0.2500,2,0.50\n,7,Tea,2024-03-02,13,0.25,1,0.25\n',
    # A return only: nobody is paid on a total below zero. Customer 9 and sales person 99 are unknown: left joins keep them.
    "b.csv": HEADER + '1,8,"Say ""cheese""",2024-03-03,11,1234.5678,-1,-1234.57\n9,7,Tea,2024-04-30,99,100.00,3,300.00\n',
}
SPEND = [
    (1, "Ada O'Brien", "1 High Street, Leeds", "900", "2024-03-01", "-1234.07"),
    (2, "Bo Li", 'The "Old" Mill', "901", "2024-03-01", "0.50"),
    (9, "", None, None, "2024-04-01", "300.00"),
]
TEAM = [
    (7, 11, "Sam One", "2024-03", "0.50", "0.01"),
    (7, 12, "Pat Two", "2024-03", "0.50", "0.01"),
    (7, 13, "Max Boss", "2024-03", "0.25", "0.00"),
    (7, 99, "", "2024-04", "300.00", "3.00"),
    (8, 11, "Sam One", "2024-03", "-1234.57", "0.00"),
]


def write(folder, files, ending=""):
    os.makedirs(folder)
    for name, text in files.items():
        with open(os.path.join(folder, name + ending), "w", encoding="utf-8") as file:
            file.write(text)


def outputs(folder):
    return {"kind": "peer", "marts": folder, "database": os.path.join(folder, "marts.db")}


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="bench-peers-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        sales, dimensions = os.path.join(cls.folder, "sales"), os.path.join(cls.folder, "dimensions")
        write(sales, SALES)
        write(dimensions, DIMENSIONS, ".csv")
        for job in JOBS:
            command = [sys.executable, os.path.join(PEERS, f"job_{job}.py"), "--sales", sales, "--dimensions", dimensions]
            done = subprocess.run([*command, "--out", cls.out(job)], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise AssertionError(f"{job} failed:\n{done.stderr[-3000:]}")

    @classmethod
    def out(cls, job):
        return os.path.join(cls.folder, job)

    def verdict(self, folder):
        return verdict.judge(outputs(folder), self.folder, every_row=True)

    def test_every_peer_gives_what_was_worked_out_by_hand(self):
        for job in JOBS:
            with self.subTest(job):
                db = sqlite3.connect(os.path.join(self.out(job), "marts.db"))
                spend = [(*row[:1], row[1] or "", *row[2:]) for row in db.execute("SELECT * FROM customers_data_mart ORDER BY 1, 5")]
                team = [(*row[:2], row[2] or "", *row[3:]) for row in db.execute("SELECT * FROM sales_team_data_mart ORDER BY 1, 2, 4")]
                db.close()
                self.assertEqual(spend, SPEND)
                self.assertEqual(team, TEAM)

    def test_all_peers_wrote_the_same_rows(self):
        reference = self.verdict(self.out(JOBS[0]))
        self.assertEqual(reference["sales_data_mart"]["row_count"], 5)
        self.assertEqual(reference["sales_data_mart"]["cents"], 50 + 50 + 25 - 123457 + 30000)
        self.assertEqual(reference["customer_data_mart"]["row_count"], 4)
        for job in JOBS[1:]:
            found = verdict.differences(self.verdict(self.out(job)), reference)
            self.assertEqual([line for line in found if "spend_digest" not in line and "team_digest" not in line], [], job)

    def spoilt(self, what):
        """A copy of the first peer's outputs after `what` was done to its folder, and how it differs."""
        folder = os.path.join(self.folder, "spoilt")
        shutil.copytree(self.out(JOBS[0]), folder)
        try:
            what(folder)
            return verdict.differences(self.verdict(folder), self.verdict(self.out(JOBS[0])))
        finally:
            shutil.rmtree(folder)

    def mart_after(self, sql, mart="customer_data_mart"):
        """Replaces a mart by what a query makes of it."""
        import duckdb

        def what(folder):
            found = duckdb.sql(sql.format(f"read_parquet('{folder}/{mart}/**/*.parquet')")).arrow()
            shutil.rmtree(os.path.join(folder, mart))
            os.mkdir(os.path.join(folder, mart))
            db = duckdb.connect()
            db.register("found", found)
            db.execute(f"COPY found TO '{folder}/{mart}/x.parquet' (FORMAT parquet)")
        return self.spoilt(what)

    def test_an_untouched_copy_does_not_differ(self):
        self.assertEqual(self.mart_after("SELECT * FROM {} ORDER BY total_cost"), [])

    def test_a_missing_row_is_found(self):
        self.assertTrue(any("row_count" in line for line in self.mart_after("SELECT * FROM {} WHERE customer_id <> 2")))

    def test_a_cent_is_found(self):
        sql = "SELECT * REPLACE (CAST(total_cost + CASE customer_id WHEN 1 THEN 0.01 ELSE 0 END AS DECIMAL(14,2)) AS total_cost) FROM {}"
        self.assertTrue(any("cents" in line for line in self.mart_after(sql)))

    def test_names_on_the_wrong_rows_are_found_although_each_column_is_right(self):
        sql = "SELECT * REPLACE (CASE customer_id WHEN 1 THEN 901 WHEN 2 THEN 900 END::VARCHAR AS phone_number) FROM {}"
        swapped = self.mart_after(sql + " WHERE customer_id = 2 OR total_cost > 0")
        self.assertTrue(any("row_fingerprint" in line for line in swapped), swapped)

    def rollup_after(self, sql):
        def what(folder):
            with sqlite3.connect(os.path.join(folder, "marts.db")) as db:
                db.execute(sql)
        return self.spoilt(what)

    def test_an_incentive_off_by_a_cent_is_found(self):
        found = self.rollup_after("UPDATE sales_team_data_mart SET incentive = '0.02' WHERE sales_person_id = 11 AND store_id = 7")
        self.assertEqual([line.split(":")[0] for line in found], ["incentive_cents", "team_digest"])

    def test_spend_with_the_wrong_customer_is_found_although_the_sum_is_right(self):
        found = self.rollup_after("UPDATE customers_data_mart SET customer_id = 3 WHERE customer_id = 9")
        self.assertEqual([line.split(":")[0] for line in found], ["spend_digest"])
