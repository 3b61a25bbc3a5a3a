"""Judges what a run over the real sales left behind, with readers that are not Tillmart's.

The database is read with sqlite3 or the mariadb client, the tables with deltalake (real_sales_stores.py). What should be
there is worked out here, from the source files as they were delivered, with exact decimals and by the rules of PRODUCT:
nothing of Tillmart's code is used.

  figures PROJECT PREPARED [EXPECTED_JSON]   every row and every key of every mart; with the file, its totals too
  summary RUN_JSON EXPECTED_JSON             the JSON summary of a run holds the expected counts
  snapshot PROJECT FOLDER                    writes each table as sorted lines without ids and times
  equal FOLDER FOLDER [TABLE...]             compares two snapshots
  ledger PROJECT                             counts of the ledger, as name=value
  missing-customers PROJECT CUSTOMER_CSV     a dimension file for the customers that the rejects wait for
"""
import collections
import csv
import decimal
import filecmp
import glob
import json
import os
import sys

from real_sales_stores import database, delta_table

D = decimal.Decimal
CENT = D("0.01")
DATABASE_MARTS = {
    "customers_data_mart": "customer_id, full_name, address, phone_number, sales_date_month, total_sales",
    "sales_team_data_mart": "store_id, sales_person_id, full_name, sales_month, total_sales, incentive",
    "store_day_data_mart": "sales_date, store_id, sales, return_rows, gross, returned, net, units_sold, units_returned, "
                           "anonymous_sales, anonymous_net",
    "sales_person_day_data_mart": "sales_date, store_id, sales_person_id, full_name, sales, return_rows, gross, returned, net, "
                                  "units_sold, units_returned, anonymous_sales, anonymous_net",
    "product_day_data_mart": "sales_date, product_name, sales, return_rows, gross, returned, net, units_sold, units_returned",
}
DELTA_TABLES = ["sales_data_mart", "customer_data_mart", "sales_rejects"]


class Difference(Exception):
    """What was found is not what should be there."""


def cents(value):
    return value.quantize(CENT, rounding=decimal.ROUND_HALF_UP)


def same(what, found, expected):
    if found != expected:
        raise Difference(f"{what}: expected {expected!r}, found {found!r}")


def same_map(what, found, expected):
    """Compares two dicts key by key, and tells the first differences."""
    if found == expected:
        return
    keys = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
    lines = [f"  {key}: expected {expected.get(key)}, found {found.get(key)}" for key in keys[:5]]
    raise Difference("\n".join([f"{what}: {len(keys)} keys differ"] + lines))


def delta(project, table, columns=None):
    return delta_table(project, table).to_pyarrow_table(columns=columns)


def file_names(db):
    """Source file ids to names without folders: folders are only the order of delivery."""
    rows = db.rows("SELECT id, path FROM product_staging_table")
    return {int(row["id"]): os.path.basename(row["path"]) for row in rows}


def as_money(text):
    if not isinstance(text, str):
        raise Difference(f"money in the database is {text!r}, not decimal text")
    value = D(text)
    same("fraction digits of money in the database", value.as_tuple().exponent, -2)
    return value


class Expected:
    """What the marts must hold, from the delivered files and the customers that the database knows."""

    def __init__(self, prepared, customers):
        self.read = 0
        self.rejected = collections.Counter()
        self.sales = collections.Counter()
        self.spend = collections.Counter()
        self.team = collections.Counter()
        self.anonymous = 0
        for path in sorted(glob.glob(os.path.join(prepared, "sales_data", "*.csv"))):
            with open(path, encoding="utf-8", newline="") as file:
                self.take(os.path.basename(path), csv.reader(file), customers)

    def take(self, name, rows, customers):
        same(f"header of {name}", next(rows)[8:], ["invoice_no", "stock_code"])
        line = rows.line_num
        for row in rows:
            first_line, line = line + 1, rows.line_num
            customer, store, product, date, person, price, quantity, total, invoice, stock = row
            self.read += 1
            # The order of the list of reasons: a missing value goes first.
            if not product:
                self.rejected["missing_value"] += 1
            elif D(price) < 0:
                self.rejected["negative_price"] += 1
            elif customer and int(customer) not in customers:
                self.rejected["unknown_customer"] += 1
            else:
                total = D(total)
                key = (name, first_line, int(customer) if customer else None, int(store), product, date, int(person))
                self.sales[key + (D(price), int(quantity), total, invoice, stock)] += 1
                self.team[int(store), int(person), date[:7]] += total
                if customer:
                    self.spend[int(customer), date[:7]] += total
                else:
                    self.anonymous += 1

    def incentives(self):
        best = {}
        for (store, _, month), total in self.team.items():
            best[store, month] = max(best.get((store, month), total), total)
        paid = {}
        for (store, person, month), total in self.team.items():
            wins = total > 0 and total == best[store, month]
            paid[store, person, month] = cents(total * CENT) if wins else D("0.00")
        return paid


def check_database(db, expected):
    spend, names = {}, {}
    for row in db.rows("SELECT * FROM customers_data_mart"):
        customer, month = int(row["customer_id"]), row["sales_date_month"]
        same("day of sales_date_month", month[7:], "-01")
        spend[customer, month[:7]] = as_money(row["total_sales"])
        names[customer] = (row["full_name"], row["address"], row["phone_number"])
    same_map("customers_data_mart.total_sales", spend, dict(expected.spend))
    known = db.rows("SELECT customer_id, first_name, last_name, address, phone_number FROM customer")
    known = {int(row["customer_id"]): (f"{row['first_name']} {row['last_name']}", row["address"], row["phone_number"])
             for row in known}
    same_map("customers_data_mart: names and addresses", names, {key: known[key] for key in names})
    totals, incentives = {}, {}
    for row in db.rows("SELECT * FROM sales_team_data_mart"):
        key = int(row["store_id"]), int(row["sales_person_id"]), row["sales_month"]
        totals[key], incentives[key] = as_money(row["total_sales"]), as_money(row["incentive"])
    same_map("sales_team_data_mart.total_sales", totals, dict(expected.team))
    same_map("sales_team_data_mart.incentive", incentives, expected.incentives())


def check_days(db, expected):
    """Every row of the marts of days: sales and returns, money, units, sales without a customer."""
    stores, persons, products = (collections.defaultdict(lambda: [0] * 9) for _ in range(3))
    for (_, _, customer, store, product, date, person, _, quantity, total, _, _), count in expected.sales.items():
        back, nobody = quantity < 0, customer is None
        units, money = quantity * count, total * count
        added = [0 if back else count, count if back else 0, 0 if back else money, money if back else 0, money,
                 0 if back else units, units if back else 0, count if nobody and not back else 0, money if nobody else 0]
        for sums in stores[date, store], persons[date, store, person], products[date, product]:
            sums[:] = [sum + more for sum, more in zip(sums, added)]

    def told(mart, key, figures):
        rows = db.rows(f"SELECT * FROM {mart}")
        return {tuple(kind(row[name]) for name, kind in key): [
            as_money(row[name]) if name in ("gross", "returned", "net", "anonymous_net") else int(row[name]) for name in figures
        ] for row in rows}

    figures = ["sales", "return_rows", "gross", "returned", "net", "units_sold", "units_returned", "anonymous_sales", "anonymous_net"]
    day, store, person = ("sales_date", str), ("store_id", int), ("sales_person_id", int)
    same_map("store_day_data_mart", told("store_day_data_mart", [day, store], figures), dict(stores))
    same_map("sales_person_day_data_mart", told("sales_person_day_data_mart", [day, store, person], figures), dict(persons))
    named = told("product_day_data_mart", [day, ("product_name", str)], figures[:7])
    same_map("product_day_data_mart", named, {key: sums[:7] for key, sums in products.items()})


def check_ledger(db, expected):
    (sums,) = db.rows(
        "SELECT sum(rows_read) AS read_rows, sum(rows_landed) AS landed, sum(rows_rejected) AS rejected, "
        "sum(rows_replayed) AS replayed, sum(rows_anonymous) AS anonymous, sum(status = 'A') AS active "
        "FROM product_staging_table WHERE outcome = 'landed'"
    )
    read, landed, rejected, replayed, anonymous, active = map(int, sums.values())
    same("rows read by the ledger", read, expected.read)
    same("landed + rejected by the ledger", landed + rejected, read)
    same("landed + replayed by the ledger", landed + replayed, sum(expected.sales.values()))
    same("anonymous rows by the ledger", anonymous, expected.anonymous)
    same("landed files that are still active", active, 0)
    rows = db.rows("SELECT money FROM product_staging_table WHERE outcome = 'landed'")
    money = sum(as_money(row["money"]) for row in rows)
    same("money landed by the ledger", money, sum(expected.team.values()))


def check_sales_mart(project, names, expected):
    columns = ["source_file_id", "source_line", "customer_id", "store_id", "product_name", "sales_date",
               "sales_person_id", "price", "quantity", "total_cost", "additional_column", "sales_month"]
    table = delta(project, "sales_data_mart", columns)
    for name, kind in [("price", "decimal128(14, 4)"), ("total_cost", "decimal128(14, 2)"), ("sales_date", "date32[day]")]:
        same(f"type of sales_data_mart.{name}", str(table.schema.field(name).type), kind)
    found = collections.Counter()
    values = [table.column(name).to_pylist() for name in columns]
    for file, line, customer, store, product, date, person, price, quantity, total, extra, month in zip(*values):
        extra = json.loads(extra)
        same("additional_column", list(extra), ["invoice_no", "stock_code"])
        date = date.isoformat()
        same("sales_month", month, date[:7])
        key = (names[file], line, customer, store, product, date, person, price, quantity, total)
        found[key + (extra["invoice_no"], extra["stock_code"])] += 1
    if found != expected.sales:
        surplus, missing = list((found - expected.sales).items()), list((expected.sales - found).items())
        lines = [f"  surplus {row}" for row in surplus[:3]] + [f"  missing {row}" for row in missing[:3]]
        raise Difference("\n".join([f"sales_data_mart: {len(surplus)} rows too many, {len(missing)} missing"] + lines))


def check_other_tables(project, expected):
    sales = delta_table(project, "sales_data_mart")
    same("partitions of sales_data_mart", sales.metadata().partition_columns, ["sales_month", "store_id"])
    personal = [field.name for field in sales.schema().fields if field.name in ("first_name", "last_name", "address", "phone_number")]
    same("personal columns of customers in sales_data_mart", personal, [])
    table = delta(project, "customer_data_mart", ["customer_id", "sales_date", "total_cost"])
    spend = collections.Counter()
    for customer, date, total in zip(*(table.column(name).to_pylist() for name in table.column_names)):
        spend[customer, date.isoformat()[:7]] += total
    same_map("customer_data_mart: sums by customer and month", dict(spend), dict(expected.spend))
    same("rows of customer_data_mart", table.num_rows, sum(expected.sales.values()) - expected.anonymous)
    # A reject without raw text stands for a whole file: no row of the contract.
    table = delta(project, "sales_rejects", ["code", "replayed_batch_id", "raw"])
    rejects = zip(*(table.column(name).to_pylist() for name in ["code", "replayed_batch_id", "raw"]))
    still_open = collections.Counter(code for code, by, raw in rejects if by is None and raw is not None)
    same_map("open rejects by reason", dict(still_open), dict(expected.rejected))


def check_expected_json(path, expected):
    """The totals that prepare.py worked out by itself: our own rules above must give the same."""
    with open(path, encoding="utf-8") as file:
        wanted = json.load(file)
    rows = wanted["rows"]
    same("rows read", expected.read, rows["read"])
    same("rows landed", sum(expected.sales.values()), rows["landed"])
    same("anonymous rows", expected.anonymous, rows["landed anonymous"])
    reasons = {"missing_value": "missing_product_name", "negative_price": "negative_price", "unknown_customer": "unknown_customer"}
    same_map("rejected rows", dict(expected.rejected), {ours: rows[f"rejected {theirs}"] for ours, theirs in reasons.items()})
    same("customer months", len(expected.spend), wanted["customer_months"])
    same("customer spend", sum(expected.spend.values()), D(wanted["customer_spend_total"]))
    same("team rows", len(expected.team), wanted["team_rows"])
    same("team sales", sum(expected.team.values()), D(wanted["team_sales_total"]))
    won = [key for key, total in expected.team.items() if cents(total * CENT) == expected.incentives()[key] and total > 0]
    same("incentives paid", len(won), wanted["incentives_paid"])
    same("incentives", sum(expected.incentives().values()), D(wanted["incentive_total"]))
    top = sorted(expected.spend.items(), key=lambda item: (-item[1], item[0]))[:5]
    same("top customer months", [[c, m, str(total)] for (c, m), total in top], wanted["top_customer_months"])
    months = collections.Counter()
    for (_, _, month), total in expected.team.items():
        months[month] += total
    same_map("sales by month", {month: str(total) for month, total in months.items()}, wanted["sales_by_month"])


def figures(project, prepared, expected_json=None):
    db = database(project)
    customers = {int(row["customer_id"]) for row in db.rows("SELECT customer_id FROM customer")}
    expected = Expected(prepared, customers)
    if expected_json:
        check_expected_json(expected_json, expected)
    check_ledger(db, expected)
    check_database(db, expected)
    check_days(db, expected)
    check_sales_mart(project, file_names(db), expected)
    check_other_tables(project, expected)
    landed = sum(expected.sales.values())
    print(f"{expected.read} rows read = {landed} landed + {sum(expected.rejected.values())} rejected "
          f"{dict(sorted(expected.rejected.items()))}; {expected.anonymous} anonymous; {sum(expected.team.values())} landed; "
          f"{len(expected.spend)} customer months, {len(expected.team)} team rows: database and tables agree")


def summary(run_json, expected_json):
    with open(run_json, encoding="utf-8") as file:
        told = json.load(file)
    with open(expected_json, encoding="utf-8") as file:
        rows = json.load(file)["rows"]
    numbers, todo = set(), [told]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)
        elif isinstance(value, float):
            raise Difference(f"the summary of the run holds the float {value}")
        elif isinstance(value, int):
            numbers.add(value)
    for name in ["read", "landed", "landed anonymous"]:
        if rows[name] not in numbers:
            raise Difference(f"the summary of the run does not tell the rows {name}: {rows[name]}")


def lines_of(table, names):
    """A Delta table as sorted binary lines. Whole columns at a time: half a million rows in seconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = []
    for name in sorted(set(table.column_names) - {"batch_id"}):
        column = table.column(name)
        if name == "source_file_id":
            ids = pa.array(list(names), pa.int64())
            column = pc.take(pa.array(list(names.values()), pa.string()), pc.index_in(column, ids))
        elif name == "file":
            column = pc.replace_substring_regex(column, "^.*/", "")
        elif name == "replayed_batch_id":
            column = pc.is_valid(column)
        if not pa.types.is_binary(column.type):
            column = pc.cast(pc.cast(column, pa.string()), pa.binary())
        columns.append(pc.fill_null(column, b"\x00NULL"))
    lines = pc.binary_join_element_wise(*columns, pa.scalar(b"\x1f", pa.binary()))
    return sorted(lines.to_pylist())


def snapshot(project, folder):
    os.makedirs(folder, exist_ok=True)
    db = database(project)
    tables = {}
    for mart, columns in DATABASE_MARTS.items():
        tables[mart] = sorted(repr(row).encode() for row in db.rows(f"SELECT {columns} FROM {mart}"))
    for name in DELTA_TABLES:
        tables[name] = lines_of(delta(project, name), file_names(db))
    for name, lines in tables.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.writelines(line.replace(b"\n", b"\\n") + b"\n" for line in lines)


def equal(one, other, *tables):
    # The tables are named here, not listed from the folders: two empty snapshots would be equal too.
    for table in tables or [*DATABASE_MARTS, *DELTA_TABLES]:
        paths = [os.path.join(folder, table) for folder in (one, other)]
        for path in paths:
            if not os.path.isfile(path) or os.path.getsize(path) == 0:
                raise Difference(f"{path} has no row: nothing to compare")
        if filecmp.cmp(*paths, shallow=False):
            continue
        lines = []
        for path in paths:
            with open(path, "rb") as file:
                lines.append(collections.Counter(file))
        parts = [f"{table} differs between {one} and {other}"]
        for sign, rest in [("-", lines[0] - lines[1]), ("+", lines[1] - lines[0])]:
            parts.append(f"  {sign} {sum(rest.values())} rows, such as")
            parts += [f"  {sign} {line!r}" for line in sorted(rest)[:3]]
        raise Difference("\n".join(parts))


def ledger(project):
    db = database(project)
    (counts,) = db.rows(
        "SELECT count(*) AS files, coalesce(sum(outcome = 'landed'), 0) AS landed, "
        "coalesce(sum(outcome = 'duplicate'), 0) AS duplicate, coalesce(sum(outcome = 'rejected'), 0) AS rejected, "
        "coalesce(sum(rows_read), 0) AS rows_read, coalesce(sum(rows_landed), 0) AS rows_landed, "
        "coalesce(sum(rows_replayed), 0) AS rows_replayed FROM product_staging_table"
    )
    (batches,) = db.rows("SELECT count(*) AS batches, coalesce(sum(state <> 'finished'), 0) AS unfinished FROM tillmart_batch")
    counts.update(batches)
    order = db.rows("SELECT path FROM product_staging_table ORDER BY batch_id, path")
    order = [os.path.basename(row["path"]) for row in order]
    counts["batches_in_name_order"] = int(order == sorted(order))
    for name, value in counts.items():
        print(f"{name}={value}")


def missing_customers(project, customer_csv):
    table = delta(project, "sales_rejects", ["code", "raw", "replayed_batch_id"])
    customers = set()
    for code, raw, by in zip(*(table.column(name).to_pylist() for name in ["code", "raw", "replayed_batch_id"])):
        if code == "unknown_customer" and by is None:
            customers.add(int(next(csv.reader([raw.decode()]))[0]))
    same("customers that rejects wait for", len(customers), 5)
    os.makedirs(os.path.dirname(customer_csv), exist_ok=True)
    with open(customer_csv, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["customer_id", "first_name", "last_name", "address", "pincode", "phone_number", "customer_joining_date"])
        for customer in sorted(customers):
            rows.writerow([customer, f"Late{customer}", "Comer", "1 High Street", "10001", "9100000000", "2010-12-01"])


def coupons(plan, prepared):
    """Who fits four rules for 2011-11, and what each spent, counted from the files as they were delivered."""
    known = set()
    with open(os.path.join(prepared, "dimensions", "customer.csv"), encoding="utf-8", newline="") as file:
        known.update(row["customer_id"] for row in csv.DictReader(file))
    days = collections.defaultdict(D)
    for name in sorted(os.listdir(os.path.join(prepared, "sales_data"))):
        with open(os.path.join(prepared, "sales_data", name), encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["product_name"] and not row["price"].startswith("-") and row["customer_id"] in known:
                    days[int(row["customer_id"]), row["sales_date"]] += D(row["total_cost"])
    month, before, total = (collections.defaultdict(D) for _ in range(3))
    first, last = {}, {}
    for (customer, day), net in sorted(days.items()):
        if day > "2011-11-30":
            continue
        total[customer] += net
        if day >= "2011-11-01":
            month[customer] += net
        elif day >= "2011-08-01":
            before[customer] += net
        if net > 0:
            first.setdefault(customer, day)
            last[customer] = max(day, last.get(customer, day))
    buyers = [customer for customer in total if month[customer] > 0]
    # 90 and 365 days before 2011-11-30: the last purchase is after the one and not after the other.
    fitting = {
        "big_spenders": {c: month[c] for c in buyers if month[c] >= 1000},
        "less": {c: before[c] for c in buyers if before[c] > 0 and month[c] * 3 <= before[c] * D("0.7")},
        "welcome": {c: month[c] for c in buyers if first.get(c, "") >= "2011-11-01"},
        "come_back": {c: total[c] for c in last if "2010-11-30" < last[c] <= "2011-09-01" and total[c] > 0},
    }
    with open(plan, encoding="utf-8") as file:
        rules = json.load(file)["rules"]
    same("rules", [rule["rule"] for rule in rules], list(fitting))
    for rule in rules:
        fits = fitting[rule["rule"]]
        same(f"customers that {rule['rule']} is about", rule["fits"], len(fits))
        parts = [rule[part] for part in ["unknown", "elsewhere", "held_out", "cut", "coupons"]]
        same(f"customers of {rule['rule']}, each counted once", sum(parts), len(fits))
        for given in rule["customers"]:
            same(f"what {given['customer_id']} spent", given["spend"], str(fits.get(given["customer_id"])))
    same("coupons of big_spenders, by its budget", rules[0]["coupons"], 100)
    same("coupons of welcome, by its budget", rules[2]["coupons"], 100)


COMMANDS = {
    "coupons": coupons,
    "figures": figures,
    "summary": summary,
    "snapshot": snapshot,
    "equal": equal,
    "ledger": ledger,
    "missing-customers": missing_customers,
}


def main(arguments):
    if not arguments or arguments[0] not in COMMANDS:
        sys.exit(__doc__)
    try:
        COMMANDS[arguments[0]](*arguments[1:])
    except Difference as difference:
        print(difference)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
    # The answer is told. The table readers' own threads may abort an orderly exit, which would turn a good answer bad.
    sys.stdout.flush()
    os._exit(0)
