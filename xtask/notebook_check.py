"""Executes the notebook on a project and judges it: no error, every plot there and not blank, and its numbers those of `tillmart query`.

Usage: notebook_check.py NOTEBOOK PROJECT BINARY PLOTS

The plots are put into the folder PLOTS, for whoever wants to look at them.
"""

import base64
import io
import json
import os
import pathlib
import subprocess
import sys

import matplotlib.image
import nbclient
import nbformat

PLOTS = 4

# What the notebook tells, and what to ask for it.
QUESTIONS = {
    "net_sales": "SELECT sum(total_cost) AS answer FROM sales_data_mart",
    "sales": "SELECT count(*) AS answer FROM sales_data_mart",
    "customer_spend": "SELECT sum(total_sales) AS answer FROM customers_data_mart",
    "customer_months": "SELECT count(*) AS answer FROM customers_data_mart",
    "stores": "SELECT count(DISTINCT store_id) AS answer FROM sales_data_mart",
    "month": "SELECT max(sales_month) AS answer FROM sales_team_data_mart",
    "sellers": "SELECT count(*) AS answer FROM sales_team_data_mart "
    "WHERE sales_month = (SELECT max(sales_month) FROM sales_team_data_mart)",
    "incentives": "SELECT sum(incentive) AS answer FROM sales_team_data_mart "
    "WHERE sales_month = (SELECT max(sales_month) FROM sales_team_data_mart)",
    "customers": "SELECT count(DISTINCT customer_id) AS answer FROM customer_data_mart WHERE total_cost > 0",
}


def execute(notebook, project):
    os.environ["TILLMART_PROJECT"] = str(project.resolve())
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(project.parent)}}
    )
    client.execute()


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def judge_plots(notebook, folder):
    images = [output["data"]["image/png"] for output in outputs(notebook) if "image/png" in output.get("data", {})]
    if len(images) != PLOTS:
        sys.exit(f"the notebook has {len(images)} plots, and should have {PLOTS}")
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images, 1):
        content = base64.b64decode(image)
        (folder / f"plot-{number}.png").write_bytes(content)
        pixels = matplotlib.image.imread(io.BytesIO(content))
        height, width = pixels.shape[:2]
        colours = {tuple(colour) for colour in pixels.reshape(-1, pixels.shape[2]).round(2).tolist()}
        if width < 600 or height < 150 or len(colours) < 20:
            sys.exit(f"plot {number} is blank or tiny: {width} by {height} pixels, {len(colours)} colours")


def judge_numbers(notebook, project, binary):
    told = json.loads("".join(output["text"] for output in outputs(notebook) if output.get("name") == "stdout"))
    for name, sql in QUESTIONS.items():
        answer = subprocess.run(
            [binary, "--project", project, "query", "--json", sql], check=True, capture_output=True, text=True
        ).stdout
        expected = json.loads(answer)[0]["answer"]
        if told[name] != expected:
            sys.exit(f"{name}: the notebook tells {told[name]!r}, tillmart query {expected!r}")
    best = "SELECT store_id, sum(total_cost) AS net FROM sales_data_mart GROUP BY store_id ORDER BY net DESC, store_id LIMIT 1"
    answer = subprocess.run(
        [binary, "--project", project, "query", "--json", best], check=True, capture_output=True, text=True
    ).stdout
    if told["best_store"] != json.loads(answer)[0]:
        sys.exit(f"best store: the notebook tells {told['best_store']}, tillmart query {answer}")
    return len(QUESTIONS) + 1


def main(path, project, binary, plots):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    if any(output for output in outputs(notebook)):
        sys.exit(f"{path} is kept without outputs: clear them before you commit")
    execute(notebook, pathlib.Path(project))
    errors = [output for output in outputs(notebook) if output["output_type"] == "error" or output.get("name") == "stderr"]
    if errors:
        sys.exit(f"the notebook complains: {errors[0]}")
    judge_plots(notebook, pathlib.Path(plots))
    count = judge_numbers(notebook, project, binary)
    print(f"{PLOTS} plots, and {count} numbers as `tillmart query` tells them")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
