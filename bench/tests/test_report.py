"""Tables and chart say what was measured, failures included, and stand where the markers are."""
import os
import unittest
import xml.etree.ElementTree as xml

from harness import chart, report
from harness.data import cut
from harness.measure import Failed


def entry(name, wall, failed=None, finding=None):
    one = {"wall_s": wall, "cpu_s": 2 * wall, "peak_mib": 100.0, "failed": failed}
    measure = lambda value: {"median": value, "min": value - 0.25, "max": value + 0.25}  # noqa: E731
    mart = {"row_count": 1000, "cents": 123456, "bytes": 5_000_000, "files": 2}
    verdict = {"sales_data_mart": mart, "customer_data_mart": mart, "customer_months": 12, "spend_cents": 99, "team_rows": 3,
               "team_cents": 123456, "incentive_cents": 5, "spend_digest": "a", "team_digest": "b"}
    summary = {"runs": 1, "wall_s": measure(wall), "cpu_s": measure(2 * wall), "peak_mib": measure(100.0)}
    return {"name": name, "label": name.title(), "runs": [one], "finding": finding,
            "summary": None if failed and failed != "other results" else summary,
            "verdict": None if failed and failed != "other results" else verdict}


def told(*tools):
    machine = {"cpu": "Test CPU", "cores": 2, "memory_gib": 8, "system": "Linux", "commit": "abc", "date": "today", "load_before": 0.1}
    return {"machine": machine, "result": {"bytes": 10**9, "tools": list(tools)}}


class Documents(unittest.TestCase):
    def test_a_fresh_clone_has_no_results_and_says_so(self):
        self.assertEqual(report.stored("/no/such/folder"), {})
        self.assertEqual(report.body("peers-1GB", {}), report.MISSING)
        self.assertEqual(report.body("linear", {}), report.MISSING)

    def test_no_place_of_a_machine_is_kept(self):
        given = ["--size", "1GB", "--work", "/there", "--tillmart=/here/tillmart", "--servers", "/s", "--runs=3"]
        self.assertEqual(report.asked(given), ["--size", "1GB", "--runs=3"])
        results = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "results")
        for name, told in report.stored(results).items():
            self.assertEqual(told["arguments"], report.asked(told["arguments"]), name)

    def test_every_block_of_the_page_is_known(self):
        path = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "BENCHMARKS.md")
        with open(path, encoding="utf-8") as file:
            names = report.blocks(file.read())
        self.assertGreaterEqual(len(names), 10)
        for name in names:
            report.body(name, {})

    def test_only_the_block_is_replaced_and_twice_is_once(self):
        text = f"before\n{report.begin('idle')}\nold\n{report.end('idle')}\nafter\n"
        once = report.replaced(text, "idle", "new\n")
        self.assertEqual(once, f"before\n{report.begin('idle')}\nnew\n{report.end('idle')}\nafter\n")
        self.assertEqual(report.replaced(once, "idle", "new\n"), once)
        self.assertEqual(report.blocks(text), ["idle"])

    def test_a_missing_block_is_told(self):
        with self.assertRaisesRegex(Failed, "no block idle"):
            report.replaced("nothing here", "idle", "new")

    def test_ratios_are_to_tillmart(self):
        text = report.peers(told(entry("tillmart", 4.0), entry("duckdb", 22.0)))
        self.assertIn("| Duckdb | 22.0 s (21.8 s to 22.2 s) | 5.50 × | 44.0 s (43.8 s to 44.2 s) | 5.50 × | 100 MiB | 10 MB |", text)
        self.assertIn("1,234.56 in money", text)
        self.assertIn("equal in all.", text)

    def test_a_tool_that_ran_out_of_memory_is_told(self):
        text = report.peers(told(entry("tillmart", 4.0), entry("polars", 9.0, failed="out of memory")))
        self.assertIn("| Polars | out of memory after 9.0 s, 100 MiB |", text)

    def test_other_results_void_the_table(self):
        text = report.peers(told(entry("tillmart", 4.0), entry("polars", 9.0, failed="other results")))
        self.assertIn("OTHER RESULTS from Polars: these figures are void.", text)
        self.assertNotIn("equal in all", text)

    def test_doubles_are_told(self):
        off = {"differs": ["x"], "incentives_off": 12, "incentives": 825}
        text = report.peers(told(entry("tillmart", 4.0), entry("pyspark_usual", 88.0, finding=off)))
        self.assertIn("12 of 825 incentives differ.", text)

    def test_the_chart_is_xml_with_its_figures_in_words(self):
        svg = chart.drawn(told(entry("tillmart", 4.0), entry("a<b", 22.0), entry("polars", 9.0, failed="out of memory")), "A & B")
        root = xml.fromstring(svg)
        space = "{http://www.w3.org/2000/svg}"
        self.assertEqual(root.find(f"{space}title").text, "A & B")
        self.assertIn("A<B: 22.0 s wall, 44.0 s CPU", root.find(f"{space}desc").text)
        words = [text.text for text in root.iter(f"{space}text")]
        self.assertIn("out of memory", words)
        bars = [bar for bar in root.iter(f"{space}rect") if bar.get("class") in ("wall", "cpu") and bar.get("width") != "12"]
        self.assertEqual(len(bars), 4)
        self.assertAlmostEqual(float(bars[2].get("width")) / float(bars[0].get("width")), 5.5, places=1)


class Cutting(unittest.TestCase):
    def test_pieces_hold_every_record_whole(self):
        import csv
        import os
        import tempfile

        records = [[str(number), "two\nlines, \"quoted\"" if number % 3 else "plain", str(number * 7)] for number in range(500)]
        with tempfile.TemporaryDirectory() as folder:
            source, pieces = os.path.join(folder, "all.csv"), os.path.join(folder, "pieces")
            with open(source, "w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file, lineterminator="\n")
                rows.writerows([["id", "text", "more"], *records])
            count = cut(source, pieces, 701)
            names = sorted(os.listdir(pieces))
            self.assertEqual(len(names), count)
            self.assertGreater(count, 10)
            found = []
            for name in names:
                with open(os.path.join(pieces, name), encoding="utf-8", newline="") as file:
                    header, *rest = csv.reader(file)
                self.assertEqual(header, ["id", "text", "more"])
                found += rest
            self.assertEqual(found, records)
