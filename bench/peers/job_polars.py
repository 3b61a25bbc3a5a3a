"""The job in Polars: one lazy plan for each output over the same scan, collected together by the streaming engine."""
import os

import polars as pl

import contract

TYPES = {"BIGINT": pl.Int64, "INTEGER": pl.Int32, "VARCHAR": pl.String, "DATE": pl.Date}
ZERO = pl.lit("0.00").cast(pl.Decimal(16, 2))


def kind(sql):
    """The Polars type of a SQL one."""
    if sql.startswith("DECIMAL"):
        precision, scale = sql[len("DECIMAL("):-1].split(",")
        return pl.Decimal(int(precision), int(scale))
    return TYPES[sql]


def schema(fields):
    return {name: kind(sql) for name, sql in fields}


def full_name():
    return pl.concat_str(["first_name", "last_name"], separator=" ", ignore_nulls=True).alias("full_name")


def sales_mart(sales, team, store):
    team = team.select(
        pl.col("id").alias("sales_person_id"), pl.col("first_name").alias("sales_person_first_name"),
        pl.col("last_name").alias("sales_person_last_name"), pl.col("address").alias("sales_person_address"),
        pl.col("pincode").alias("sales_person_pincode"), "manager_id", "is_manager",
    )
    store = store.select(pl.col("id").alias("store_id"), "store_manager_name")
    return sales.join(team, on="sales_person_id", how="left").join(store, on="store_id", how="left").select(
        "customer_id", "store_id", "product_name", "sales_date", "sales_person_id", "price", "quantity", "total_cost",
        pl.lit(None, pl.String).alias("additional_column"),
        "sales_person_first_name", "sales_person_last_name", "sales_person_address", "sales_person_pincode",
        "manager_id", "is_manager", "store_manager_name",
        pl.lit(None, pl.String).alias("transaction_id"),
        pl.col("sales_date").dt.strftime("%Y-%m").alias("sales_month"),
        "source_file", pl.lit(1, pl.Int64).alias("batch_id"),
    )


def customer_mart(sales, customer):
    return sales.filter(pl.col("customer_id").is_not_null()).join(customer, on="customer_id", how="left").select(
        "customer_id", "first_name", "last_name", "address", "pincode", "phone_number", "sales_date", "total_cost",
        "source_file", pl.lit(1, pl.Int64).alias("batch_id"),
    )


def spend(sales):
    month = pl.col("sales_date").dt.truncate("1mo").alias("month")
    return sales.filter(pl.col("customer_id").is_not_null()).group_by("customer_id", month).agg(pl.col("total_cost").sum())


def team_sums(sales):
    month = pl.col("sales_date").dt.truncate("1mo").alias("month")
    return sales.group_by("store_id", "sales_person_id", month).agg(pl.col("total_cost").sum())


def published_spend(sums, customer):
    return sums.lazy().join(customer, on="customer_id", how="left").sort("customer_id", "month").select(
        "customer_id", full_name(), "address", "phone_number", pl.col("month").cast(pl.String),
        pl.col("total_cost").cast(pl.Decimal(16, 2)).cast(pl.String),
    ).collect(engine="streaming")


def published_team(sums, team):
    """The best of a store and month earns 1 %: in whole cents, because Polars' round is not half up on decimals."""
    total = pl.col("total_cost").cast(pl.Decimal(16, 2))
    best = (total == total.max().over("store_id", "month")) & (total > ZERO)
    cents = (total * 100).cast(pl.Int64)
    incentive = pl.when(best).then((cents + 50) // 100).otherwise(0)
    text = pl.format("{}.{}", incentive // 100, (incentive % 100).cast(pl.String).str.zfill(2))
    return sums.lazy().with_columns(text.alias("incentive")).join(
        team, left_on="sales_person_id", right_on="id", how="left",
    ).sort("store_id", "sales_person_id", "month").select(
        "store_id", "sales_person_id", full_name(), pl.col("month").dt.strftime("%Y-%m"), total.cast(pl.String), "incentive",
    ).collect()


def main():
    job = contract.Job()
    customer = pl.scan_csv(job.dimension("customer"), schema=schema(contract.CUSTOMER)).collect().lazy()
    store = pl.scan_csv(job.dimension("store"), schema=schema(contract.STORE)).collect().lazy()
    team = pl.scan_csv(job.dimension("sales_team"), schema=schema(contract.SALES_TEAM)).collect().lazy()
    sales = pl.scan_csv(job.files(), schema=schema(contract.SALES), include_file_paths="source_file")
    by_store = pl.PartitionBy(job.mart("sales_data_mart"), key=["sales_month", "store_id"], include_key=False)
    sinks = [
        sales_mart(sales, team, store).sink_parquet(by_store, compression="snappy", mkdir=True, lazy=True),
        customer_mart(sales, customer).sink_parquet(
            os.path.join(job.mart("customer_data_mart"), "part.parquet"), compression="snappy", lazy=True),
        spend(sales),
        team_sums(sales),
    ]
    _, _, spend_sums, store_sums = pl.collect_all(sinks, engine="streaming")
    with job.database() as database:
        contract.publish_spend(database, published_spend(spend_sums, customer).iter_rows())
        contract.publish_team(database, published_team(store_sums, team).iter_rows())
    contract.done(tool="polars", version=pl.__version__)


if __name__ == "__main__":
    main()
