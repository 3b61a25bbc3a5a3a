"""One reader's view of Parquet files or a Delta table, reduced to what can be compared.

Every reader is a class of four questions. `table` materialises all columns; the others are asked of the reader's own engine, because a
dictionary with repeated entries, or a page that a filter skips, shows only there:

- `table(columns)` all rows, as an Arrow table of whatever types the reader chose;
- `groups(column)` how often each value occurs, as pairs, by the reader's own grouping;
- `count(column, value)` how many rows have this text or number, by the reader's own filter; None as value asks for NULLs;
- `distinct(column)` how many different values there are, NULL left out.
"""
import hashlib
import os
import shutil
import tempfile
from decimal import Decimal

SEPARATOR, NULL = b"\x1f", b"\x00NULL"


def canonical(column):
    """A column as plain binary, every value as its text, NULL as a mark of its own; exact for every type but floats, which are not there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, pa.ChunkedArray):
        column = pa.chunked_array([plain(chunk) for chunk in column.chunks] or [pa.array([], pa.string())])
    column = pc.cast(column, pa.large_string()) if not pa.types.is_large_string(column.type) else column
    return pc.fill_null(pc.cast(column, pa.large_binary()), NULL)


def plain(chunk):
    """A dictionary array as its values: taken by index, so that repeated entries do no harm here."""
    import pyarrow as pa

    return chunk.dictionary.take(chunk.indices) if pa.types.is_dictionary(chunk.type) else chunk


def digest(values):
    """A digest of a column of binary values, whatever their order."""
    import pyarrow.compute as pc

    ordered = values.take(pc.sort_indices(values))
    told = hashlib.blake2b(digest_size=16)
    for value in ordered.to_pylist():
        told.update(len(value).to_bytes(8, "little"))
        told.update(value)
    return told.hexdigest()


def view(table):
    """What is compared of a materialised table: each column's digest, NULLs and sum, and the digest of whole rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    told, cells = {"rows": table.num_rows}, []
    for name in sorted(table.column_names):
        column = table.column(name)
        values = canonical(column)
        told[f"{name}: values"] = digest(values)
        told[f"{name}: NULLs"] = column.null_count if not pa.types.is_null(column.type) else table.num_rows
        if pa.types.is_integer(column.type):
            told[f"{name}: sum"] = str(pc.sum(column.cast(pa.decimal128(38, 0))).as_py())
        elif pa.types.is_decimal(column.type):
            told[f"{name}: sum"] = str(pc.sum(column.cast(pa.decimal128(38, column.type.scale))).as_py())
        cells.append(values)
    told["whole rows"] = digest(pc.binary_join_element_wise(*cells, pa.scalar(SEPARATOR, pa.large_binary()))) if cells else ""
    return told


class Arrow:
    """pyarrow; with `dictionary`, text columns come as dictionary arrays."""

    def __init__(self, files, dictionary=False):
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pq.read_schema(files[0])
        texts = [field.name for field in schema if pa.types.is_string(field.type)] if dictionary else None
        self.tables = pa.concat_tables([pq.read_table(path, read_dictionary=texts, partitioning=None) for path in files])
        if dictionary:
            for name in texts:
                found = self.tables.schema.field(name).type
                if not pa.types.is_dictionary(found):
                    raise TypeError(f"{name} came as {found} and not as a dictionary: nothing was tried")
            if len(files) > 1:
                # Arrow groups and compares only where all chunks have one dictionary.
                self.tables = self.tables.unify_dictionaries()

    def table(self, columns):
        return self.tables.select(columns)

    def groups(self, column):
        counted = self.tables.group_by(column).aggregate([([], "count_all")])
        return list(zip(counted.column(column).to_pylist(), counted.column("count_all").to_pylist()))

    def count(self, column, value):
        import pyarrow.compute as pc

        found = self.tables.column(column)
        return pc.sum(pc.is_null(found) if value is None else pc.equal(found, value)).as_py() or 0

    def distinct(self, column):
        import pyarrow.compute as pc

        # Not count_distinct, which knows no dictionary arrays.
        return len(pc.unique(self.tables.column(column)).drop_null())


class ArrowDictionary(Arrow):
    """pyarrow with read_dictionary for every text column."""

    def __init__(self, files):
        super().__init__(files, dictionary=True)


class ArrowDataset(Arrow):
    """pyarrow's dataset scanner, whose filters skip row groups by statistics."""

    def __init__(self, files):
        import pyarrow.dataset as ds

        self.dataset = ds.dataset(files, format="parquet")

    def table(self, columns):
        return self.dataset.to_table(columns=columns)

    def groups(self, column):
        self.tables = self.dataset.to_table(columns=[column])
        return super().groups(column)

    def count(self, column, value):
        import pyarrow.dataset as ds

        field = ds.field(column)
        return self.dataset.count_rows(filter=field.is_null() if value is None else field == value)

    def distinct(self, column):
        self.tables = self.dataset.to_table(columns=[column])
        return super().distinct(column)


class Sql:
    """What the SQL engines have in common: `rows(sql)` and `arrow(sql)` over a relation called `sales`."""

    def table(self, columns):
        return self.arrow("SELECT " + ", ".join(f'"{name}"' for name in columns) + " FROM sales")

    def groups(self, column):
        return self.rows(f'SELECT "{column}", COUNT(*) FROM sales GROUP BY "{column}"')

    def count(self, column, value):
        return self.rows(f'SELECT COUNT(*) FROM sales WHERE "{column}" ' + literal(value))[0][0]

    def distinct(self, column):
        return self.rows(f'SELECT COUNT(DISTINCT "{column}") FROM sales')[0][0]


def literal(value):
    """A comparison with a value in SQL."""
    if value is None:
        return "IS NULL"
    if isinstance(value, int):
        return f"= {value}"
    if isinstance(value, Decimal):
        # A bare 1.10 is a float to some engines.
        return f"= CAST('{value}' AS DECIMAL(38, {-value.as_tuple().exponent}))"
    text = str(value).replace("'", "''")
    return f"= DATE '{text}'" if hasattr(value, "isoformat") else f"= '{text}'"


class DuckDb(Sql):
    """DuckDB."""

    def __init__(self, files):
        import duckdb

        self.db = duckdb.connect()
        names = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
        self.db.execute(f"CREATE VIEW sales AS SELECT * FROM read_parquet([{names}], hive_partitioning = false)")

    def rows(self, sql):
        return self.db.execute(sql).fetchall()

    def arrow(self, sql):
        return self.db.execute(sql).to_arrow_table()


class DataFusion(Sql):
    """DataFusion (the reader of arrow-rs), with filters pushed into the decoding of pages."""

    def __init__(self, files):
        import datafusion

        config = datafusion.SessionConfig({"datafusion.execution.parquet.pushdown_filters": "true"})
        self.context = datafusion.SessionContext(config)
        frame = None
        for path in files:
            one = self.context.read_parquet(path)
            frame = one if frame is None else frame.union(one)
        self.context.register_view("sales", frame)

    def arrow(self, sql):
        return self.context.sql(sql).to_arrow_table()

    def rows(self, sql):
        return [tuple(row.values()) for row in self.arrow(sql).to_pylist()]


class Delta(Sql):
    """deltalake: the files as a Delta table, made one if they are none, and read by its own engine."""

    def __init__(self, files, table=None):
        from deltalake import DeltaTable, QueryBuilder, convert_to_deltalake

        if table is None:
            table = tempfile.mkdtemp(prefix="readers-delta-")
            for number, path in enumerate(files):
                shutil.copyfile(path, os.path.join(table, f"{number}.parquet"))
            convert_to_deltalake(table)
        self.builder = QueryBuilder().register("sales", DeltaTable(table))

    def arrow(self, sql):
        import pyarrow as pa

        return pa.table(self.builder.execute(sql).read_all())

    def rows(self, sql):
        return [tuple(row.values()) for row in self.arrow(sql).to_pylist()]


class Polars:
    """Polars; filters and sums by its streaming engine over the scan."""

    def __init__(self, files):
        import polars as pl

        self.frame = pl.scan_parquet(files, hive_partitioning=False)

    def collect(self, frame):
        return frame.collect(engine="streaming")

    def table(self, columns):
        return self.collect(self.frame.select(columns)).to_arrow()

    def groups(self, column):
        import polars as pl

        return self.collect(self.frame.group_by(column).agg(pl.len())).rows()

    def count(self, column, value):
        import polars as pl

        mask = pl.col(column).is_null() if value is None else pl.col(column) == value
        return self.collect(self.frame.filter(mask).select(pl.len())).item()

    def distinct(self, column):
        import polars as pl

        return self.collect(self.frame.select(pl.col(column).drop_nulls().n_unique())).item()


class PolarsCategorical(Polars):
    """Polars, text columns as categoricals."""

    def __init__(self, files):
        import polars as pl

        super().__init__(files)
        self.frame = self.frame.with_columns(pl.col(pl.String).cast(pl.Categorical))


class PolarsFromDictionary(Polars):
    """Polars, given pyarrow's dictionary arrays."""

    def __init__(self, files):
        import polars as pl

        self.frame = pl.from_arrow(ArrowDictionary(files).tables).lazy()


class Pandas:
    """pandas, by pyarrow."""

    def __init__(self, files, frame=None):
        import pandas

        self.frame = frame if frame is not None else pandas.concat(
            [pandas.read_parquet(path, dtype_backend="pyarrow", partitioning=None) for path in files], ignore_index=True)

    def table(self, columns):
        import pyarrow as pa

        return pa.Table.from_pandas(self.frame[columns], preserve_index=False)

    def groups(self, column):
        import pandas

        counted = self.frame.groupby(column, dropna=False, observed=True).size()
        return [(None if pandas.isna(value) else value, int(count)) for value, count in counted.items()]

    def count(self, column, value):
        found = self.frame[column]
        return int((found.isna() if value is None else (found == value).fillna(False)).sum())

    def distinct(self, column):
        return int(self.frame[column].nunique())


class PandasCategorical(Pandas):
    """pandas, text columns as categoricals made of pyarrow's dictionary arrays."""

    def __init__(self, files):
        import pandas
        import pyarrow as pa

        # Other columns keep Arrow's types: an integer with NULLs would become a float.
        kinds = lambda kind: None if pa.types.is_dictionary(kind) else pandas.ArrowDtype(kind)  # noqa: E731
        super().__init__(files, ArrowDictionary(files).tables.to_pandas(types_mapper=kinds))


class Spark(Sql):
    """PySpark, by its vectorised reader or row by row."""

    vectorised = True

    def __init__(self, files):
        from pyspark.sql import SparkSession

        self.spark = (
            SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
            .config("spark.sql.parquet.enableVectorizedReader", str(self.vectorised).lower())
            .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "2").getOrCreate()
        )
        self.spark.read.parquet(*files).createOrReplaceTempView("sales")

    def arrow(self, sql):
        return self.spark.sql(sql.replace('"', "`")).toArrow()

    def rows(self, sql):
        return [tuple(row) for row in self.spark.sql(sql.replace('"', "`")).collect()]

    def count(self, column, value):
        found = self.spark.table("sales")
        return found.where(found[column].isNull() if value is None else found[column] == value).count()


class SparkRows(Spark):
    """PySpark without the vectorised reader."""

    vectorised = False


READERS = {
    "pyarrow": Arrow, "pyarrow_dictionary": ArrowDictionary, "pyarrow_dataset": ArrowDataset,
    "duckdb": DuckDb, "polars": Polars, "polars_categorical": PolarsCategorical, "polars_from_dictionary": PolarsFromDictionary,
    "pandas": Pandas, "pandas_categorical": PandasCategorical,
    "datafusion": DataFusion, "deltalake": Delta, "spark": Spark, "spark_rows": SparkRows,
}
