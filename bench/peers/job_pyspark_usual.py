"""The job in PySpark as such projects write it: inferSchema (so money is a double), a read and a union for each file, inner joins,
counts and shows on the way, toPandas into the database, default settings but for the two cores.

Made for small data only. The inner join drops sales without a customer, so the data it is run on has none.
"""
import pandas
import pyspark
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as f

import contract


def read(spark, path):
    return spark.read.format("csv").option("header", "true").option("inferSchema", "true").option("escape", '"').load(path)


def money(column):
    """A column of doubles as text with two fraction digits."""
    return column.map("{:.2f}".format)


def publish(frame, database, table):
    frame.to_sql(table, database, if_exists="append", index=False)


def main():
    job = contract.Job()
    spark = SparkSession.builder.master("local[2]").appName("marts").getOrCreate()
    customer, store, team = (read(spark, job.dimension(name)) for name in ("customer", "store", "sales_team"))
    sales = None
    for path in job.files():
        one = read(spark, path).withColumn("source_file", f.lit(path)).withColumn("additional_column", f.lit(None).cast("string"))
        print(path, one.count())
        sales = one if sales is None else sales.union(one)
    enriched = (
        sales.join(customer, "customer_id", "inner")
        .withColumnRenamed("address", "customer_address").withColumnRenamed("pincode", "customer_pincode")
        .withColumnRenamed("first_name", "customer_first_name").withColumnRenamed("last_name", "customer_last_name")
        .join(store.drop("address").withColumnRenamed("id", "store_id"), "store_id", "inner")
        .join(team.withColumnRenamed("id", "sales_person_id"), "sales_person_id", "inner")
    )
    enriched.show()
    customers = enriched.select(
        "customer_id", f.col("customer_first_name").alias("first_name"), f.col("customer_last_name").alias("last_name"),
        f.col("customer_address").alias("address"), f.col("customer_pincode").cast("string").alias("pincode"),
        f.col("phone_number").cast("string").alias("phone_number"), "sales_date", "total_cost", "source_file",
        f.lit(1).cast("bigint").alias("batch_id"),
    )
    customers.write.mode("overwrite").option("compression", "snappy").parquet(job.mart("customer_data_mart"))
    people = enriched.select(
        "customer_id", "store_id", "product_name", "sales_date", "sales_person_id", "price", "quantity", "total_cost",
        "additional_column", f.col("first_name").alias("sales_person_first_name"),
        f.col("last_name").alias("sales_person_last_name"), f.col("address").alias("sales_person_address"),
        f.col("pincode").cast("string").alias("sales_person_pincode"), "manager_id", "is_manager", "store_manager_name",
        f.lit(None).cast("string").alias("transaction_id"), f.date_format("sales_date", "yyyy-MM").alias("sales_month"),
        "source_file", f.lit(1).cast("bigint").alias("batch_id"),
    )
    people.write.mode("overwrite").option("compression", "snappy").partitionBy("sales_month", "store_id").parquet(
        job.mart("sales_data_mart"))

    by_customer = Window.partitionBy("customer_id", "sales_date_month")
    spend = (
        customers.withColumn("sales_date_month", f.substring("sales_date", 1, 7))
        .withColumn("total_sales", f.sum("total_cost").over(by_customer))
        .select("customer_id", f.concat_ws(" ", "first_name", "last_name").alias("full_name"), "address", "phone_number",
                f.concat("sales_date_month", f.lit("-01")).alias("sales_date_month"), "total_sales")
        .distinct()
    )
    spend.show()
    by_person = Window.partitionBy("store_id", "sales_person_id", "sales_month")
    by_store = Window.partitionBy("store_id", "sales_month").orderBy(f.col("total_sales").desc())
    paid = (
        people.withColumn("total_sales", f.sum("total_cost").over(by_person))
        .select("store_id", "sales_person_id",
                f.concat_ws(" ", "sales_person_first_name", "sales_person_last_name").alias("full_name"), "sales_month", "total_sales")
        .distinct()
        .withColumn("place", f.rank().over(by_store))
        .withColumn("incentive", f.when(f.col("place") == 1, f.col("total_sales") * 0.01).otherwise(f.lit(0)))
        .withColumn("incentive", f.round("incentive", 2))
        .drop("place")
    )
    paid.show()
    with job.database() as database:
        spend, paid = spend.toPandas(), paid.toPandas()
        spend["total_sales"] = money(spend["total_sales"])
        paid["total_sales"], paid["incentive"] = money(paid["total_sales"]), money(paid["incentive"])
        publish(spend, database, "customers_data_mart")
        publish(paid, database, "sales_team_data_mart")
    spark.stop()
    contract.done(tool="pyspark_usual", version=pyspark.__version__, pandas=pandas.__version__)


if __name__ == "__main__":
    main()
