"""Reproduce a table or a figure of Huang & Zhang (2023): ``python reproduce.py table2 --seeds 5``.

Models are trained once, into ``runs/huang2023/``, which git ignores; what was stopped goes on. Every item writes its
CSV and its picture beside this file. MNIST is looked for in ``$QAML_DATA_DIR``.
"""

import argparse
import csv
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import drawing
import embeddings
import items
import page
import yaml
from models import HERE, PLAN

CLAIMS: dict[str, Any] = yaml.safe_load((HERE / "claims.yaml").read_text())
Row = dict[str, Any]


def write(name: str, rows: Sequence[Row]) -> None:
    """A CSV with numbers as they are read."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with (HERE / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _told(value) for key, value in row.items()} for row in rows)


def _told(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value


def published(item: str) -> dict[tuple[str, ...], float]:
    """Published accuracies by source (where there is one), model and attack."""
    found = {}
    for claim in CLAIMS["items"][item].get("published", []):
        key = (claim["source"], claim["model"]) if "source" in claim else (claim["model"],)
        found |= {(*key, kind): value for kind, value in claim.items() if kind not in ("source", "model")}
    return found


def beside(rows: Iterable[Row], item: str, keys: tuple[str, ...]) -> list[Row]:
    """Means and spreads with the published numbers beside them."""
    claims = published(item)
    return [
        {**row, "published": claims.get(tuple(str(row[key]) for key in keys), "")} for row in items.summary(rows, keys)
    ]


def whitebox(item: str, seeds: int) -> None:
    """Tables 1 to 3."""
    rows = list(items.whitebox(item, seeds))
    told = beside(rows, item, ("model", "attack"))
    write(f"{item}-seeds", rows)
    write(item, told)
    drawing.bars(told, "model", "attack", published(item), HERE / f"{item}.png")  # type: ignore[arg-type]


def table2(seeds: int) -> None:
    """Table 2 with β of every layer."""
    whitebox("table2", seeds)
    found = items.summary(items.betas(seeds), ("model", "layer"), "beta")
    claims = CLAIMS["items"]["table2"]["betas"]
    write("table2-betas", [{**row, "published": claims[row["model"]][row["layer"] - 1]} for row in found])


def table4(seeds: int) -> None:
    """Transfer from classical networks."""
    rows = list(items.table4(seeds))
    told = beside(rows, "table4", ("source", "model", "attack"))
    write("table4-seeds", rows)
    write("table4", told)
    for source in PLAN["items"]["table4"]["sources"]:
        own = {key[1:]: value for key, value in published("table4").items() if key[0] == source}
        chosen = [row for row in told if row["source"] == source]
        drawing.bars(chosen, "model", "attack", own, HERE / f"table4-{source}.png")  # type: ignore[arg-type]


def exact(seeds: int) -> None:
    """What is left of table 2 under an attacker who knows the exact expectation."""
    rows = list(items.exact(seeds))
    told = items.summary(rows, ("model", "attack"))
    write("exact-seeds", rows)
    write("exact", told)
    write("exact-autoattack", list(items.strongest()))
    drawing.bars(told, "model", "attack", {}, HERE / "exact.png")


def ablation(seeds: int) -> None:
    """Where the gain of noise layers comes from, or not."""
    rows = list(items.ablation(seeds))
    write("ablation-seeds", rows)
    write("ablation", items.summary(rows, ("pair", "attack"), "difference"))
    drawing.pairs(rows, HERE / "ablation.png")


def recipes(seeds: int) -> None:
    """What is trained otherwise than the plan says."""
    write("recipes", items.summary(items.recipes(seeds), ("model", "attack")))


def figure2(seeds: int) -> None:
    """Embedded images; one seed."""
    rows = list(embeddings.figure2())
    write("figure2", rows)
    drawing.points(rows, HERE / "figure2.png", 2)


def figure4(seeds: int) -> None:
    """Learning curves of the moons."""
    rows = [{**row, "panel": row["model"].split(", ")[1]} for row in items.losses("figure4", seeds)]
    rows = [{**row, "model": row["model"].split(", ")[0]} for row in rows]
    told = items.summary(rows, ("panel", "model", "epoch"), "loss")
    write("figure4", told)
    write("figure4-end", items.summary(items.final_losses("figure4", seeds), ("model", "attack"), "loss"))
    drawing.lines(told, "epoch", "model", "panel", HERE / "figure4.png", xlabel="epoch", y="training loss")


def figure5(seeds: int) -> None:
    """Moons on the Bloch sphere; one seed."""
    rows = list(embeddings.figure5())
    write("figure5", rows)
    drawing.points(rows, HERE / "figure5.png", 2, shared=False)


def figure6(seeds: int) -> None:
    """The Ising chain: learning curves, and accuracies under attack."""
    curves = [{**row, "panel": "training loss"} for row in items.losses("figure6", seeds) if row["model"] != "none"]
    told = items.summary(curves, ("panel", "model", "epoch"), "loss")
    write("figure6-loss", told)
    drawing.lines(told, "epoch", "model", "panel", HERE / "figure6-loss.png", xlabel="epoch", y="training loss")
    write("figure6-end", items.summary(items.final_losses("figure6", seeds), ("model", "attack"), "loss"))
    rows = items.summary(items.whitebox("figure6", seeds), ("attack", "model", "eps"))
    write("figure6", rows)
    drawing.lines(rows, "eps", "model", "attack", HERE / "figure6.png", xlabel="ε")


def figure7(seeds: int) -> None:
    """The phases of noise."""
    rows = items.summary(items.figure7(seeds), ("attack", "model", "eps"))
    write("figure7", rows)
    drawing.lines(rows, "eps", "model", "attack", HERE / "figure7.png", xlabel="ε")


def figure8(seeds: int) -> None:
    """σ²."""
    rows = items.summary(items.figure8(seeds), ("attack", "model", "k"))
    write("figure8", rows)
    drawing.lines(rows, "k", "model", "attack", HERE / "figure8.png", xlabel="k, σ² = 2π/2^k")


def figure9(seeds: int) -> None:
    """The depth."""
    rows = items.summary(items.figure9(seeds), ("depth", "model", "eps"))
    write("figure9", rows)
    drawing.lines(rows, "eps", "model", "depth", HERE / "figure9.png", xlabel="ε")


ITEMS: dict[str, Callable[[int], None]] = {
    "table2": table2,
    "exact": exact,
    "ablation": ablation,
    "recipes": recipes,
    "table3": lambda seeds: whitebox("table3", seeds),
    "table4": table4,
    "figure7": figure7,
    "figure8": figure8,
    "table1": lambda seeds: whitebox("table1", seeds),
    "figure6": figure6,
    "figure9": figure9,
    "figure2": figure2,
    "figure4": figure4,
    "figure5": figure5,
}


def main() -> None:
    """Reproduce what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("item", choices=[*ITEMS, "all"])
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each model; 5 by default")
    asked = parser.parse_args()
    for name in ITEMS if asked.item == "all" else [asked.item]:
        start = time.process_time()
        ITEMS[name](asked.seeds)
        print(f"{name}: {time.process_time() - start:.0f} CPU seconds")
    page.fill()


if __name__ == "__main__":
    main()
