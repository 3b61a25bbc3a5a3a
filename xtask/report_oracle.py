"""The figures of reports, computed anew from the source files and held against what Tillmart tells.

Usage:
  report_oracle.py daily PREPARED DATE REPORT.json       compares a daily report
  report_oracle.py monthly PREPARED MONTH REPORT.json    compares a monthly report
  report_oracle.py figures PREPARED DATE|MONTH           prints the figures

PREPARED is the folder with the source files (sales_data/) and dimensions as they were delivered. Money is whole cents here, shares are
fractions, and nothing is rounded before it is told. Definitions: docs/reports.md.
"""

import csv
import datetime
import decimal
import fractions
import json
import pathlib
import sys

CENT = decimal.Decimal("0.01")
FIRST_SHOWN = 10
BEST_OF_STORE = 3
INCENTIVE_RATE = fractions.Fraction(1, 100)
TIERS = [200_000, 50_000, 10_000, 0]  # cents, each with what is more
WEEKS_SHOWN = 8
OFF_LIST_PERSONS = 20


def rounded(number):
    """Half away from zero, to a whole number."""
    whole = (abs(number) * 2 + 1) // 2
    return int(whole if number >= 0 else -whole)


def digits(number, places):
    """A fraction as text with this many digits behind the point."""
    unscaled = rounded(fractions.Fraction(number) * 10**places)
    sign = "-" if unscaled < 0 else ""
    return f"{sign}{abs(unscaled) // 10**places}.{abs(unscaled) % 10**places:0{places}d}"


def money(cents):
    return digits(fractions.Fraction(cents, 100), 2)


class Sold:
    """What was sold in some time. A return is a row with a negative quantity, and no sale."""

    def __init__(self, rows):
        self.is_any = bool(rows)
        sales = [row for row in rows if row["quantity"] >= 0]
        returns = [row for row in rows if row["quantity"] < 0]
        self.sales = len(sales)
        self.returns = len(returns)
        self.gross = sum(row["cents"] for row in sales)
        self.returned = sum(row["cents"] for row in returns)
        self.net = self.gross + self.returned
        self.units = sum(row["quantity"] for row in rows)
        self.units_sold = sum(row["quantity"] for row in sales)
        self.anonymous = sum(row["customer"] is None for row in sales)
        self.anonymous_net = sum(row["cents"] for row in rows if row["customer"] is None)

    def per_sale(self, number):
        return fractions.Fraction(number, self.sales) if self.sales else None

    def measures(self):
        """Name, exact number, and how it is written; a share is compared in points."""
        average, units = self.per_sale(self.gross), self.per_sale(self.units_sold)
        return {
            "net_sales": (fractions.Fraction(self.net, 100), "money"),
            "gross_sales": (fractions.Fraction(self.gross, 100), "money"),
            "returns": (fractions.Fraction(self.returned, 100), "money"),
            "sales": (fractions.Fraction(self.sales), "count"),
            "returned_sales": (fractions.Fraction(self.returns), "count"),
            "units": (fractions.Fraction(self.units), "count"),
            "average_sale": (None if average is None else fractions.Fraction(rounded(average), 100), "money"),
            "units_per_sale": (None if units is None else fractions.Fraction(rounded(units * 100), 100), "hundredths"),
            "anonymous_share": (share(self.anonymous, self.sales), "share"),
        }


def share(part, whole):
    """To the millionth; none of nothing."""
    if whole <= 0:
        return None
    return fractions.Fraction(rounded(fractions.Fraction(part, whole) * 10**6), 10**6)


def told(number, kind):
    if number is None:
        return None
    return int(number) if kind == "count" else digits(number, {"money": 2, "hundredths": 2, "share": 6}[kind])


def change(now, then, kind):
    """As text: a share of the figure then, or points between two shares."""
    if now is None or then is None:
        return None
    if kind == "share":
        return digits(now - then, 6)
    return None if then <= 0 else digits((now - then) / then, 6)


def read(prepared):
    """The sales that must have landed, by the contract: a known customer or none, a product, no negative price."""
    def keys(name, column):
        with open(prepared / "dimensions" / f"{name}.csv", encoding="utf-8", newline="") as file:
            return {row[column]: row for row in csv.DictReader(file)}

    customers, stores, team = keys("customer", "customer_id"), keys("store", "id"), keys("sales_team", "id")
    rows = []
    for path in sorted((prepared / "sales_data").glob("*.csv")):
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                price, customer = decimal.Decimal(row["price"]), row["customer_id"]
                if price < 0 or not row["product_name"] or (customer and customer not in customers):
                    continue
                cents = (decimal.Decimal(row["total_cost"]) / CENT).to_integral_exact()
                rows.append({
                    "date": datetime.date.fromisoformat(row["sales_date"]), "store": int(row["store_id"]),
                    "person": int(row["sales_person_id"]), "product": row["product_name"],
                    "customer": int(customer) if customer else None,
                    "quantity": int(row["quantity"]), "cents": int(cents), "price": fractions.Fraction(price),
                })
    return rows, stores, team


def list_prices(prepared):
    """Products that have one. The dimensions were loaded once, so that these are the prices of every day."""
    with open(prepared / "dimensions" / "product.csv", encoding="utf-8", newline="") as file:
        products = list(csv.DictReader(file))
    return {row["name"]: fractions.Fraction(row["current_price"]) for row in products if row["current_price"]}


def off_list(rows, prices, stores, team):
    """The section of sales off the list price. Returns are none."""
    def off(row):
        return (row["price"] - prices[row["product"]]) * row["quantity"]

    rows = [row for row in rows if row["quantity"] >= 0 and prices.get(row["product"], row["price"]) != row["price"]]

    def sums(group):
        below = [off(row) for row in group if row["price"] < prices[row["product"]]]
        above = [off(row) for row in group if row["price"] > prices[row["product"]]]
        return {
            "below_sales": len(below), "below": digits(sum(below), 2), "above_sales": len(above),
            "above": digits(sum(above), 2), "difference": digits(sum(below) + sum(above), 2),
        }

    by_store = sorted(grouped(rows, lambda row: row["store"]).items())
    by_person = sorted(
        grouped(rows, lambda row: (row["store"], row["person"])).items(),
        key=lambda item: (-abs(sum(off(row) for row in item[1])), -len(item[1]), item[0]),
    )
    every = sums(rows)
    figure = lambda name: {"value": every[name], "compared": {}}
    return {
        "figures": {name: figure(name) for name in ["below_sales", "above_sales", "difference"]},
        "tables": {
            "off_list_stores": [
                {"store": store, "manager": stores[str(store)]["store_manager_name"], **sums(group)} for store, group in by_store
            ],
            "off_list_persons": [
                {"sales_person": person, "name": f"{team[str(person)]['first_name']} {team[str(person)]['last_name']}",
                 "store": store, **sums(group)}
                for (store, person), group in by_person[:OFF_LIST_PERSONS]
            ],
        },
        "totals": {"off_list_stores": [every] if len(by_store) > 1 else []},
    }


def back(day, months):
    """The same day of a month before, or its last."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    following = datetime.date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (following - datetime.timedelta(days=1)).day
    return datetime.date(year, month + 1, min(day.day, last))


def periods(day):
    to_date = lambda last: (last.replace(day=1), last)
    week = day - datetime.timedelta(days=7)
    return {
        "day": (day, day), "last_week": (week, week), "month": to_date(day), "month_before": to_date(back(day, 1)),
        "year_before": to_date(back(day, 12)), "weeks": (day - datetime.timedelta(days=7 * WEEKS_SHOWN - 1), day),
    }


def within(rows, span):
    return [row for row in rows if span[0] <= row["date"] <= span[1]]


def grouped(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def figures(now, then, measures=Sold.measures):
    """Figures of one time beside others: `then` by name. A time without any landed sale has no figure."""
    told_figures = {}
    for name, (number, kind) in measures(now).items():
        compared = {}
        for label, sold in then.items():
            other = measures(sold)[name][0] if sold.is_any else None
            compared[label] = {"value": told(other, kind), "change": change(number, other, kind)}
        told_figures[name] = {"value": told(number, kind), "compared": compared}
    return told_figures


def store_line(sold):
    """A row of the table of stores, from what was sold in each period."""
    measures = sold["day"].measures()
    net = {name: fractions.Fraction(each.net, 100) if each.is_any else None for name, each in sold.items()}
    day, month = fractions.Fraction(sold["day"].net, 100), fractions.Fraction(sold["month"].net, 100)
    line = {"net_sales": money(sold["day"].net), "change_last_week": change(day, net["last_week"], "money")}
    for name in ["gross_sales", "returns", "sales", "units", "average_sale", "units_per_sale", "anonymous_share"]:
        line[name] = told(*measures[name])
    line["month_net_sales"] = money(sold["month"].net)
    line["change_month_before"] = change(month, net["month_before"], "money")
    line["change_year_before"] = change(month, net["year_before"], "money")
    return line


def daily(prepared, day):
    rows, stores, team = read(prepared)
    spans = periods(day)
    by_period = {name: within(rows, span) for name, span in spans.items()}
    sold = {name: Sold(by_period[name]) for name in by_period}
    compared = [name for name in spans if name != "weeks"]
    named_stores = sorted({row["store"] for name in compared for row in by_period[name]})

    def of_store(store):
        return {name: Sold([row for row in by_period[name] if row["store"] == store]) for name in compared}

    lines = [
        {"store": store, "manager": stores[str(store)]["store_manager_name"], **store_line(of_store(store))}
        for store in named_stores
    ]

    def short(group):
        each = Sold(group)
        return {"net_sales": money(each.net), "returns": money(each.returned), "sales": each.sales, "units": each.units}

    best = lambda groups: sorted(groups.items(), key=lambda item: (-Sold(item[1]).net, item[0]))[:FIRST_SHOWN]
    products = [
        {"product": name, **short(group), "share": told(share(Sold(group).net, sold["day"].net), "share")}
        for name, group in best(grouped(by_period["day"], lambda row: row["product"]))
    ]
    persons = [
        {"sales_person": person, "name": f"{team[str(person)]['first_name']} {team[str(person)]['last_name']}",
         "store": store, **short(group)}
        for (store, person), group in best(grouped(by_period["day"], lambda row: (row["store"], row["person"])))
    ]
    days = [
        {"day": date.isoformat(), "net_sales": money(Sold(group).net), "sales": Sold(group).sales}
        for date, group in sorted(grouped(by_period["weeks"], lambda row: row["date"]).items())
    ]
    return {
        "day": {"figures": figures(sold["day"], {"last_week": sold["last_week"]})},
        "month": {"figures": figures(sold["month"], {name: sold[name] for name in ["month_before", "year_before"]})},
        "stores": {"tables": {"stores": lines}, "totals": {"stores": [store_line(sold)]}},
        "products": {"tables": {"products": products}},
        "sales_persons": {"tables": {"sales_persons": persons}},
        "off_list": off_list(by_period["day"], list_prices(prepared), stores, team),
        "weeks": {"tables": {"days": days}},
    }


def whole_month(first):
    following = (first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
    return first, following - datetime.timedelta(days=1)


def month_measures(sold):
    """The measures of a month: those of a day, with two shares of what has no customer."""
    measures = sold.measures()
    measures["anonymous_sales_share"] = measures.pop("anonymous_share")
    measures["anonymous_net_share"] = (share(sold.anonymous_net, sold.net), "share")
    del measures["units_per_sale"]
    return measures


def month_store_line(sold):
    now, before, year = sold["month"], sold["month_before"], sold["year_before"]
    net = lambda each: fractions.Fraction(each.net, 100) if each.is_any else None
    measures = month_measures(now)
    line = {
        "net_sales": money(now.net),
        "change_month_before": change(fractions.Fraction(now.net, 100), net(before), "money"),
        "change_year_before": change(fractions.Fraction(now.net, 100), net(year), "money"),
    }
    for name in ["gross_sales", "returns", "sales", "units", "average_sale", "anonymous_sales_share"]:
        line[name] = told(*measures[name])
    return line


def ranking(rows, team):
    """Sales persons by store, with place and incentive: one percent to the best of each store, and to all of them where they tie."""
    lines, paid = [], []
    for store, of_store in sorted(grouped(rows, lambda row: row["store"]).items()):
        totals = {
            person: sum(row["cents"] for row in sold) for person, sold in grouped(of_store, lambda row: row["person"]).items()
        }
        net = sum(totals.values())
        for person, total in sorted(totals.items(), key=lambda item: (-item[1], item[0])):
            place = 1 + sum(other > total for other in totals.values())
            incentive = rounded(total * INCENTIVE_RATE) if place == 1 and total > 0 else 0
            paid += [incentive] * (incentive > 0)
            lines.append({
                "store": store, "place": place, "sales_person": person,
                "name": f"{team[str(person)]['first_name']} {team[str(person)]['last_name']}",
                "total_sales": money(total), "store_share": told(share(total, net), "share"), "incentive": money(incentive),
            })
    shown = [line for line in lines if line["place"] <= BEST_OF_STORE or line["incentive"] != "0.00"]
    return shown, len(lines), paid


def customer_sections(rows, first, before):
    """Who bought: a customer of a month is one whose sales of it are more than their returns."""
    spend = {}
    for row in rows:
        if row["customer"] is not None:
            key = (row["customer"], row["date"].replace(day=1))
            spend[key] = spend.get(key, 0) + row["cents"]
    of_month = lambda month: {customer: cents for (customer, when), cents in spend.items() if when == month and cents > 0}
    earlier = {customer for (customer, when), cents in spend.items() if when < first and cents > 0}
    now, then = of_month(first), of_month(before)
    new = {customer: cents for customer, cents in now.items() if customer not in earlier}
    lapsed = {customer: cents for customer, cents in then.items() if customer not in now}
    total = sum(now.values())
    average = lambda cents, count: money(rounded(fractions.Fraction(cents, count))) if count else None
    tiers, above = [], None
    for least in TIERS:
        of_tier = {c: cents for c, cents in now.items() if cents >= least and (above is None or cents < above)}
        above = least
        tiers.append({
            "customers": len(of_tier), "customer_share": told(share(len(of_tier), len(now)), "share"),
            "new_customers": sum(customer in new for customer in of_tier), "spend": money(sum(of_tier.values())),
            "spend_share": told(share(sum(of_tier.values()), total), "share"),
            "average_spend": average(sum(of_tier.values()), len(of_tier)),
        })
    plain = lambda value: {"value": value, "compared": {}}
    return {
        "figures": {
            "customers": plain(len(now)), "new_customers": plain(len(new)), "returning_customers": plain(len(now) - len(new)),
            "lapsed_customers": plain(len(lapsed)), "customer_spend": plain(money(total)),
            "average_spend": plain(average(total, len(now))), "new_spend": plain(money(sum(new.values()))),
            "lapsed_spend": plain(money(sum(lapsed.values()))),
        },
        "tables": {"tiers": tiers},
    }


def monthly(prepared, first):
    rows, stores, team = read(prepared)
    spans = {"month": whole_month(first), "month_before": whole_month(back(first, 1)), "year_before": whole_month(back(first, 12))}
    by_period = {name: within(rows, span) for name, span in spans.items()}
    sold = {name: Sold(by_period[name]) for name in spans}
    lines = []
    for store in sorted({row["store"] for name in spans for row in by_period[name]}):
        of_store = {name: Sold([row for row in by_period[name] if row["store"] == store]) for name in spans}
        lines.append({"store": store, "manager": stores[str(store)]["store_manager_name"], **month_store_line(of_store)})
    days = []
    for date, group in sorted(grouped(by_period["month"], lambda row: row["date"]).items()):
        each = Sold(group)
        days.append({
            "day": date.isoformat(), "net_sales": money(each.net), "gross_sales": money(each.gross), "returns": money(each.returned),
            "sales": each.sales, "units": each.units,
        })
    shown, sellers, paid = ranking(by_period["month"], team)
    plain = lambda value: {"value": value, "compared": {}}
    return {
        "month": {"figures": figures(sold["month"], {name: sold[name] for name in ["month_before", "year_before"]}, month_measures)},
        "stores": {"tables": {"stores": lines}, "totals": {"stores": [month_store_line(sold)]}},
        "days": {"tables": {"days": days}},
        "team": {
            "figures": {"incentives": plain(money(sum(paid))), "paid": plain(len(paid)), "sellers": plain(sellers)},
            "tables": {"team": shown},
        },
        "customers": customer_sections(rows, first, back(first, 1)),
    }


def differences(expected, report):
    """What the report tells otherwise, and how many figures were compared. Columns and figures that only the report has are its own."""
    wrong, count = [], 0

    def equal(place, wanted, found):
        nonlocal count
        count += 1
        if wanted != found:
            wrong.append(f"{place}: expected {wanted!r}, the report tells {found!r}")

    for section, parts in expected.items():
        there = report["sections"][section]
        for name, figure in parts.get("figures", {}).items():
            found = there["figures"][name]
            equal(f"{section}.{name}", figure["value"], found["value"])
            for label, other in figure["compared"].items():
                for part, wanted in other.items():
                    equal(f"{section}.{name}.{label}.{part}", wanted, found["compared"][label].get(part))
        for kind, member in [("tables", "rows"), ("totals", "totals")]:
            for name, rows in parts.get(kind, {}).items():
                found = there["tables"][name].get(member, [])
                equal(f"{section}.{name}: number of {member}", len(rows), len(found))
                for at, (row, other) in enumerate(zip(rows, found), 1):
                    for column, wanted in row.items():
                        equal(f"{section}.{name} {member} {at} {column}", wanted, other.get(column))
    return wrong, count


def expected_of(prepared, when):
    """A month is `YYYY-MM`, a day `YYYY-MM-DD`."""
    if len(when) == 7:
        return monthly(pathlib.Path(prepared), datetime.date.fromisoformat(f"{when}-01"))
    return daily(pathlib.Path(prepared), datetime.date.fromisoformat(when))


def main(arguments):
    match arguments:
        case ["figures", prepared, when]:
            print(json.dumps(expected_of(prepared, when), indent=1))
        case ["daily" | "monthly" as kind, prepared, when, report]:
            with open(report, encoding="utf-8") as file:
                told_report = json.load(file)
            wrong, count = differences(expected_of(prepared, when), told_report)
            if wrong:
                sys.exit("\n".join([f"{len(wrong)} of {count} figures of the {kind} report of {when} differ:", *wrong[:40]]))
            print(f"the {kind} report of {when} agrees in {count} figures with a computation of its own")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
