"""Rows about attacks as a terminal and a page show them."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def strengths_side_by_side(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Accuracies with the strengths side by side: a row a source, attack and victim.

    Args:
        rows: with ``source`` (None for clean images), ``attack``, ``victim``, ``victim_kind``, ``eps``, ``accuracy``
            and ``verdict``.
    """
    clean = {row["victim"]: row["accuracy"] for row in rows if row["source"] is None}
    attacked = [row for row in rows if row["source"] is not None]
    if not attacked:
        return [{"victim": victim, "ε = 0": accuracy} for victim, accuracy in clean.items()]
    strengths = sorted({row["eps"] for row in attacked if row["eps"] is not None})
    with_verdict = any(row["verdict"] for row in attacked)
    table = []
    for source, attack, victim in dict.fromkeys((row["source"], row["attack"], row["victim"]) for row in attacked):
        mine = [r for r in attacked if (r["source"], r["attack"], r["victim"]) == (source, attack, victim)]
        by_eps = {row["eps"]: row for row in mine}
        line: Row = {"source": source, "attack": attack, "victim": victim, "kind": mine[0]["victim_kind"]}
        line["ε = 0"] = clean[victim]
        line |= {f"{eps:g}": by_eps[eps]["accuracy"] if eps in by_eps else None for eps in strengths}
        if None in {row["eps"] for row in attacked}:
            line["no bound"] = by_eps[None]["accuracy"] if None in by_eps else None
        if with_verdict:
            line["verdict"] = ", ".join(f"{row['verdict']} at {row['eps']:g}" for row in mine if row["verdict"])
        table.append(line)
    return table


def audit_tables(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Row]]:
    """The rows of audits: a table an audit, with the verdict in its name.

    Args:
        rows: one a check, with ``attack``, ``eps``, ``verdict``, ``check``, ``passed`` and ``numbers``, and with
            ``source`` where there are several.
    """
    tables: dict[str, list[Row]] = {}
    for row in rows:
        source = f" on {row['source']}" if "source" in row else ""
        name = f"audit of {row['attack']}{source} with ε = {row['eps']:g}: {row['verdict']}"
        tables.setdefault(name, []).append({"check": row["check"], "passed": row["passed"], "numbers": row["numbers"]})
    return tables
