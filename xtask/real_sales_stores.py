"""How real_sales_check.py reads a project: its database and its tables, with clients that are not Tillmart's.

A project whose folder holds `servers.env`, the variables that it is run with, lives on a MariaDB server, read with the server's
own command line client, and on an S3 service, read by deltalake. Any other lives in its folder: SQLite, and deltalake on
local files.
"""
import os
import sqlite3
import subprocess
import urllib.parse
import xml.etree.ElementTree as xml


def servers(project):
    """The variables of a project on servers, or None for one in its folder."""
    path = os.path.join(project, "servers.env")
    if not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file)


class Sqlite:
    """The database file in a project's folder."""

    def __init__(self, path):
        if not os.path.isfile(path):
            raise FileNotFoundError(f"{path} is missing")
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def rows(self, sql):
        found = self.connection.execute(sql)
        names = [column[0] for column in found.description]
        for row in found:
            # A float would lose its kind as text, and no float may be there.
            assert not any(isinstance(value, float) for value in row), f"a float in {row}"
            yield dict(zip(names, [None if value is None else str(value) for value in row]))


class MariaDb:
    """A database on a server, through `mariadb`. XML, because its other formats do not tell NULL from a text."""

    def __init__(self, told):
        url = urllib.parse.urlsplit(told["TILLMART_DATABASE_URL"])
        self.command = ["mariadb", "--no-defaults", "--xml", "--quick", "--default-character-set=utf8mb4",
                        f"--host={url.hostname}", f"--port={url.port}", f"--user={url.username}", url.path.strip("/")]
        self.environment = dict(os.environ, MYSQL_PWD=told["TILLMART_DATABASE_PASSWORD"])

    def rows(self, sql):
        run = subprocess.run(self.command, input=sql.encode(), env=self.environment, capture_output=True, check=False)
        if run.returncode != 0:
            raise RuntimeError(f"mariadb: {run.stderr.decode(errors='replace')}\n{sql}")
        nil = "{http://www.w3.org/2001/XMLSchema-instance}nil"
        for row in xml.fromstring(run.stdout).iter("row"):
            yield {field.get("name"): None if field.get(nil) else field.text or "" for field in row}


def database(project):
    """Where `rows(sql)` gives dicts of text, NULL as None."""
    told = servers(project)
    return MariaDb(told) if told else Sqlite(os.path.join(project, "tillmart.db"))


def delta_table(project, name):
    from deltalake import DeltaTable

    told = servers(project)
    if told is None:
        return DeltaTable(os.path.join(project, "storage", name))
    options = {
        "AWS_ENDPOINT_URL": told["TILLMART_STORAGE_ENDPOINT"],
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": told["TILLMART_STORAGE_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": told["TILLMART_STORAGE_SECRET_ACCESS_KEY"],
    }
    return DeltaTable(f"{told['TILLMART_STORAGE_ROOT']}/{name}", storage_options=options)
