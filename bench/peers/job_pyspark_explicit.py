"""The job in PySpark as a careful user writes it: explicit schemas, decimals, left joins, broadcast dimensions, local[2].

The driver gets 8 GB: Spark's default of 1 GB does not hold the broadcast of a million customers.
"""
import os

import pyspark
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as f

import contract

TYPES = {"BIGINT": "BIGINT", "INTEGER": "INT", "VARCHAR": "STRING", "DATE": "DATE"}


def schema(fields):
    return ", ".join(f"{name} {TYPES.get(kind, kind)}" for name, kind in fields)


def session(job):
    return (
        SparkSession.builder.master("local[2]")
        .appName("marts")
        .config("spark.driver.memory", "8g")
        .config("spark.ui.enabled", "false")
        .config("spark.local.dir", os.path.join(job.out, "spark"))
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.compression.codec", "snappy")
        .getOrCreate()
    )


def read(spark, paths, fields):
    return spark.read.csv(paths, schema=schema(fields), header=True, escape='"', mode="FAILFAST")


def sales_mart(sales, team, store):
    team = team.select(
        f.col("id").alias("sales_person_id"), f.col("first_name").alias("sales_person_first_name"),
        f.col("last_name").alias("sales_person_last_name"), f.col("address").alias("sales_person_address"),
        f.col("pincode").alias("sales_person_pincode"), "manager_id", "is_manager",
    )
    store = store.select(f.col("id").alias("store_id"), "store_manager_name")
    joined = sales.join(f.broadcast(team), "sales_person_id", "left").join(f.broadcast(store), "store_id", "left")
    return joined.select(
        "customer_id", "store_id", "product_name", "sales_date", "sales_person_id", "price", "quantity", "total_cost",
        f.lit(None).cast("string").alias("additional_column"),
        "sales_person_first_name", "sales_person_last_name", "sales_person_address", "sales_person_pincode",
        "manager_id", "is_manager", "store_manager_name",
        f.lit(None).cast("string").alias("transaction_id"),
        f.date_format("sales_date", "yyyy-MM").alias("sales_month"),
        "source_file", f.lit(1).cast("bigint").alias("batch_id"),
    )


def customer_mart(sales, customer):
    known = sales.where(f.col("customer_id").isNotNull())
    return known.join(f.broadcast(customer), "customer_id", "left").select(
        "customer_id", "first_name", "last_name", "address", "pincode", "phone_number", "sales_date", "total_cost",
        "source_file", f.lit(1).cast("bigint").alias("batch_id"),
    )


def spend(sales, customer):
    months = (
        sales.where(f.col("customer_id").isNotNull())
        .groupBy("customer_id", f.trunc("sales_date", "month").alias("month"))
        .agg(f.sum("total_cost").cast("decimal(16,2)").alias("total"))
    )
    return months.join(f.broadcast(customer), "customer_id", "left").orderBy("customer_id", "month").select(
        "customer_id", f.concat_ws(" ", "first_name", "last_name"), "address", "phone_number",
        f.col("month").cast("string"), f.col("total").cast("string"),
    )


def incentives(sales, team):
    months = sales.groupBy("store_id", "sales_person_id", f.date_format("sales_date", "yyyy-MM").alias("month")).agg(
        f.sum("total_cost").cast("decimal(16,2)").alias("total")
    )
    place = f.rank().over(Window.partitionBy("store_id", "month").orderBy(f.desc("total")))
    paid = f.round(f.col("total") * f.lit("0.01").cast("decimal(3,2)"), 2)
    earned = f.when((f.col("place") == 1) & (f.col("total") > 0), paid).otherwise(f.lit("0.00").cast("decimal(16,2)"))
    people = team.select(f.col("id").alias("sales_person_id"), "first_name", "last_name")
    ranked = months.withColumn("place", place).join(f.broadcast(people), "sales_person_id", "left")
    return ranked.orderBy("store_id", "sales_person_id", "month").select(
        "store_id", "sales_person_id", f.concat_ws(" ", "first_name", "last_name"), "month",
        f.col("total").cast("string"), earned.cast("decimal(16,2)").cast("string"),
    )


def main():
    job = contract.Job()
    spark = session(job)
    customer = read(spark, job.dimension("customer"), contract.CUSTOMER)
    store = read(spark, job.dimension("store"), contract.STORE)
    team = read(spark, job.dimension("sales_team"), contract.SALES_TEAM)
    sales = read(spark, job.files(), contract.SALES).withColumn("source_file", f.input_file_name())
    by_store = sales_mart(sales, team, store).write.partitionBy("sales_month", "store_id")
    by_store.parquet(job.mart("sales_data_mart"), mode="overwrite")
    customer_mart(sales, customer).write.parquet(job.mart("customer_data_mart"), mode="overwrite")
    with job.database() as database:
        contract.publish_spend(database, map(tuple, spend(sales, customer).toLocalIterator()))
        contract.publish_team(database, map(tuple, incentives(sales, team).collect()))
    spark.stop()
    contract.done(tool="pyspark_explicit", version=pyspark.__version__)


if __name__ == "__main__":
    main()
