"""The rows of several runs of ``qaml decide`` in one table, for ``../decide.md``.

Run it as ``python decide.py RUN… > ../decide.csv``; the first column is the name of each run's folder.
"""

import csv
import sys
from pathlib import Path

rows = []
for folder in map(Path, sys.argv[1:]):
    with (folder / "policies.csv").open(encoding="utf-8") as file:
        rows += [{"run": folder.name, **row} for row in csv.DictReader(file)]
    with (folder / "fixed_budgets.csv").open(encoding="utf-8") as file:
        rows += [{"run": folder.name, "policy": "as many for all", **row} for row in csv.DictReader(file)]
table = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
table.writeheader()
table.writerows(rows)
