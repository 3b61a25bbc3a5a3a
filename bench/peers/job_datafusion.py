"""The job in DataFusion's Python package, in plain SQL over the CSV: decoded once for each output, nothing held by us.

The planner knows no size of a CSV file and builds its hash tables from the left side, the sales. That takes 7 GB for each GB of CSV, and is the
quicker way as long as memory lasts: rows come out in the order of the dimension, which suits the partitioned COPY. Where memory would not
last, the dimensions are read into memory first, the planner then builds from them, and the job takes 2.8 GB at 1 GB and half as much CPU again.
"""
import os

import datafusion
import pyarrow as pa

import contract

TYPES = {"BIGINT": pa.int64(), "INTEGER": pa.int32(), "VARCHAR": pa.string(), "DATE": pa.date32()}

SALES_MART = """
COPY (
    SELECT
        s.customer_id, s.product_name, s.sales_date, s.sales_person_id, s.price, s.quantity, s.total_cost,
        CAST(NULL AS VARCHAR) AS additional_column,
        p.first_name AS sales_person_first_name, p.last_name AS sales_person_last_name,
        p.address AS sales_person_address, p.pincode AS sales_person_pincode, p.manager_id, p.is_manager,
        t.store_manager_name,
        CAST(NULL AS VARCHAR) AS transaction_id,
        s.source_file, CAST(1 AS BIGINT) AS batch_id,
        to_char(s.sales_date, '%Y-%m') AS sales_month, s.store_id
    FROM sales AS s
    LEFT JOIN sales_team AS p ON p.id = s.sales_person_id
    LEFT JOIN store AS t ON t.id = s.store_id
) TO '{folder}/' STORED AS PARQUET PARTITIONED BY (sales_month, store_id) OPTIONS ('format.compression' 'snappy')
"""
CUSTOMER_MART = """
COPY (
    SELECT
        s.customer_id, c.first_name, c.last_name, c.address, c.pincode, c.phone_number, s.sales_date, s.total_cost,
        s.source_file, CAST(1 AS BIGINT) AS batch_id
    FROM sales AS s
    LEFT JOIN customer AS c ON c.customer_id = s.customer_id
    WHERE s.customer_id IS NOT NULL
) TO '{folder}/' STORED AS PARQUET OPTIONS ('format.compression' 'snappy')
"""
SPEND = """
WITH months AS (
    SELECT customer_id, CAST(date_trunc('month', sales_date) AS DATE) AS sales_month, SUM(total_cost) AS total
    FROM sales WHERE customer_id IS NOT NULL
    GROUP BY customer_id, CAST(date_trunc('month', sales_date) AS DATE)
)
SELECT m.customer_id, concat_ws(' ', c.first_name, c.last_name) AS full_name, c.address, c.phone_number,
       CAST(m.sales_month AS VARCHAR) AS month_text, CAST(CAST(m.total AS DECIMAL(16, 2)) AS VARCHAR) AS total_text
FROM months AS m LEFT JOIN customer AS c ON c.customer_id = m.customer_id
ORDER BY m.customer_id, m.sales_month
"""
# DataFusion's round() goes through a float, so half up is done in whole cents.
TEAM = """
WITH months AS (
    SELECT store_id, sales_person_id, to_char(sales_date, '%Y-%m') AS month, CAST(SUM(total_cost) AS DECIMAL(16, 2)) AS total
    FROM sales GROUP BY store_id, sales_person_id, to_char(sales_date, '%Y-%m')
),
ranked AS (
    SELECT *, RANK() OVER (PARTITION BY store_id, month ORDER BY total DESC) AS place FROM months
),
paid AS (
    SELECT *, CASE WHEN place = 1 AND total > 0 THEN (CAST(total * 100 AS BIGINT) + 50) / 100 ELSE 0 END AS cents FROM ranked
)
SELECT r.store_id, r.sales_person_id, concat_ws(' ', p.first_name, p.last_name) AS full_name, r.month,
       CAST(r.total AS VARCHAR) AS total_text,
       CAST(CAST(r.cents * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(16, 2)) AS VARCHAR) AS incentive
FROM paid AS r LEFT JOIN sales_team AS p ON p.id = r.sales_person_id
ORDER BY r.store_id, r.sales_person_id, r.month
"""


def kind(sql):
    """The Arrow type of a SQL one."""
    if sql.startswith("DECIMAL"):
        precision, scale = sql[len("DECIMAL("):-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return TYPES[sql]


def schema(fields):
    return pa.schema([(name, kind(sql)) for name, sql in fields])


def rows(frame):
    """A result's rows, a batch at a time."""
    for batch in frame.execute_stream():
        columns = [column.to_pylist() for column in batch.to_pyarrow().columns]
        yield from zip(*columns)


def sales_fit_in_memory(job):
    """Whether hash tables over the sales leave room on this machine."""
    size = sum(os.path.getsize(path) for path in job.files())
    with open("/proc/meminfo", encoding="ascii") as file:
        available = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:")) * 1024
    return 8 * size < available


def register_dimension(context, job, name, fields, in_memory):
    """A dimension, as a CSV file or as what was read from it."""
    context.register_csv(name, job.dimension(name), schema=schema(fields), has_header=True)
    if in_memory:
        batches = context.table(name).collect()
        context.deregister_table(name)
        context.register_record_batches(name, [batches])


def register_sales(context, job):
    """The feed, each file as its own scan, so that rows know the name of their file."""
    parts = []
    for number, path in enumerate(job.files()):
        context.register_csv(f"file_{number}", path, schema=schema(contract.SALES), has_header=True)
        name = os.path.basename(path).replace("'", "''")
        parts.append(f"SELECT *, '{name}' AS source_file FROM file_{number}")
    context.sql("CREATE VIEW sales AS " + " UNION ALL ".join(parts))


def main():
    job = contract.Job()
    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(2))
    for name, fields in (("customer", contract.CUSTOMER), ("store", contract.STORE), ("sales_team", contract.SALES_TEAM)):
        register_dimension(context, job, name, fields, in_memory=not sales_fit_in_memory(job))
    register_sales(context, job)
    context.sql(SALES_MART.format(folder=job.mart("sales_data_mart"))).collect()
    context.sql(CUSTOMER_MART.format(folder=job.mart("customer_data_mart"))).collect()
    with job.database() as database:
        contract.publish_spend(database, rows(context.sql(SPEND)))
        contract.publish_team(database, rows(context.sql(TEAM)))
    contract.done(tool="datafusion", version=datafusion.__version__)


if __name__ == "__main__":
    main()
