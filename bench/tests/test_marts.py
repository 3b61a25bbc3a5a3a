"""The sales mart of the comparison is the built-in one without the list price, and stays so."""
import os
import unittest

from harness.tools import BENCH


def select(*path):
    """The SQL of a mart's file, line by line, without its header and comments."""
    with open(os.path.join(BENCH, *path), encoding="utf-8") as file:
        return [line.strip().rstrip(",") for line in file if line.strip() and not line.startswith("--")]


class Marts(unittest.TestCase):
    def test_only_the_list_price_is_left_out(self):
        built_in = select(os.pardir, "sql", "marts", "sales_data_mart.sql")
        left_out = ["o.current_price AS list_price", "LEFT JOIN product AS o ON o.name = s.product_name"]
        for line in left_out:
            built_in.remove(line)
        self.assertEqual(select("marts", "sales_data_mart.sql"), built_in)
