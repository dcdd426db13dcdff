"""Figure 5 of West et al.: tables and a picture from kept runs of ``qaml detect``.

Run it as ``python detection.py OUT RUN…``: every RUN is a folder of ``qaml detect``, OUT the folder that gets

- detection.csv: the rows of all runs, and beside them those at other thresholds: where so many clean validation images
  raise an alarm as disagreement has, or as many as West et al. report (column ``rule``);
- study/detection_strengths.csv: the mixes by attack and strength, of every pair that of most images;
- study/detection_differences.csv: detectors and pairs against each other on the same images, as many as there are;
- study/detection_adaptive.csv: every attacker who knows a detector;
- detection.png.

Thresholds come from validation images alone. The names of models are those of their folders.
"""

import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from qaml_qiskit.evaluation import (
    Proportion,
    bootstrap_difference,
    mean_figure,
    paired_difference,
    ranking_figure,
    roc,
    threshold_for,
)
from qaml_qiskit.reports.drawing import COLOURS, MARKERS, axis_names, interval, legend, new_figure, png
from qaml_qiskit.studies import AlarmRule, Suspects, detection_row

#: Shares of false and true alarms that West et al. report for Fashion-MNIST, by the watched network.
WEST = {"convnet": (0.227, 0.736), "resnet18": (0.234, 0.795)}
PROMISE = 0.05


def bare(name):
    """A model's name without the folder that it was in."""
    return Path(name).name


@dataclass(frozen=True)
class Kept:
    """What a run of ``qaml detect`` wrote."""

    folder: Path

    @cached_property
    def rows(self):
        """Of metrics.json."""
        return json.loads((self.folder / "metrics.json").read_text())["results"]

    @cached_property
    def arrays(self):
        """Of scores.npz."""
        with np.load(self.folder / "scores.npz") as found:
            return dict(found)

    @cached_property
    def models(self):
        """The watched one first."""
        return [bare(name) for name in self.arrays["models"].tolist()]

    @property
    def detectors(self):
        """By name."""
        return self.arrays["detectors"].tolist()

    @property
    def data(self):
        """The data set."""
        return "fashion-mnist" if self.models[0].startswith("fashion-mnist") else "mnist"

    @property
    def pair(self):
        """Models without the data set."""
        return " + ".join(name.removeprefix(f"{self.data}-") for name in self.models)

    @cached_property
    def sets(self):
        """Source, attack and strength of every set of suspicious images, by its key, in the order of the rows."""
        named = [row for row in self.rows if row["detector"] == self.detectors[0] and row["false_alarms"] is not None]
        keys = self.arrays["sets"].tolist()[2:]
        sources = [None if row["source"] is None else bare(row["source"]) for row in named]
        return {key: (source, row["attack"], row["eps"]) for key, source, row in zip(keys, sources, named, strict=True)}

    def scores(self, detector, key):
        """Of a set of images."""
        return self.arrays[f"scores/{detector}/{key}"]

    def wrong(self, key):
        """Where the watched model is wrong; None where there is no right answer."""
        labels = self.arrays.get(f"labels/{key}")
        return None if labels is None else self.arrays[f"logits/{key}"][0].argmax(1) != labels

    def rules(self, detector):
        """Thresholds by name: its own, the promise, as many false alarms as disagreement, and as West et al."""
        judging = self.scores(detector, "judging")
        own = [row for row in self.rows if row["detector"] == detector and row["false_alarms"] is None]
        promise = next(row for row in self.rows if row["detector"] == detector and row["false_alarms"] is not None)
        found = {"own": AlarmRule(own[0]["threshold"], None)} if own else {}
        found["promise"] = AlarmRule(promise["threshold"], promise["false_alarms"])
        if not own:
            others = {f"as West, {name}": share for name, (share, _) in WEST.items() if self.models[0].endswith(name)}
            if "disagreement" in self.detectors:
                others["as disagreement"] = float((self.scores("disagreement", "judging") > 0).mean())
            # Too few validation images set no threshold for a rate that is next to nothing.
            rates = {name: rate for name, rate in others.items() if rate * (len(judging) + 1) >= 1}
            found |= {name: AlarmRule(threshold_for(judging, rate), rate) for name, rate in rates.items()}
        return found

    @cached_property
    def cells(self):
        """Of every mix, by its key: attack, strength, and places among its images."""
        found = defaultdict(list)
        for key, (_, attack, _) in self.sets.items():
            if attack == "mix":
                places = {int(index): place for place, index in enumerate(self.arrays[f"indices/{key}"])}
                for file in sorted((self.folder / "adversarial").glob(f"{key}-*.npz")):
                    with np.load(file) as kept:
                        what = json.loads(str(kept["provenance"]))
                        rows = np.array([places[int(index)] for index in kept["indices"]])
                    found[key].append((what["attack"], what["eps"], rows))
        return found


def flat(row):
    """Intervals as two columns, and so many digits as mean something."""
    found = {}
    for name, value in row.items():
        if name.endswith("_interval"):
            ends = (None, None) if value is None else value
            found |= {name.replace("_interval", end): each for end, each in zip(("_low", "_high"), ends, strict=True)}
        else:
            found[name] = value
    return {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in found.items()}


def rows_of(kept):
    """All rows of a run."""
    models = [SimpleNamespace(name=name) for name in kept.models]
    adaptive = {
        (row["detector"], row["false_alarms"], row["attack"], row["eps"]): row
        for row in kept.rows
        if row.get("adaptive") is not None
    }
    for detector in kept.detectors:
        clean, judging = kept.scores(detector, "clean"), kept.scores(detector, "judging")
        for key, (source, attack, eps) in kept.sets.items():
            scores, wrong = kept.scores(detector, key), kept.wrong(key)
            for name, rule in kept.rules(detector).items():
                suspects = Suspects(attack, source, eps, wrong, paired=wrong is not None)
                row = detection_row(detector, models, suspects, scores, clean, judging, rule)
                known = adaptive.get((detector, rule.false_alarms, attack, eps), {})
                knowing = {column: known.get(column) for column in ("adaptive", "adaptive_interval")}
                yield {"run": kept.folder.name, "rule": name, **row, **knowing}


def strengths_of(runs):
    """Every attack and strength of the mixes, by itself."""
    seen = set()
    for kept in by_size(runs):
        for key, (source, *_) in kept.sets.items():
            for detector in kept.detectors if kept.cells[key] else ():
                if (what := (tuple(kept.models), source, detector)) not in seen:
                    seen.add(what)
                    yield from of_one_mix(kept, key, source, detector)


def of_one_mix(kept, key, source, detector):
    """Alarms by attack and strength, at the detector's own rule, or at the promise where it has none."""
    rules = kept.rules(detector)
    rule = "own" if "own" in rules else "promise"
    for attack, eps, places in kept.cells[key]:
        alarms = kept.scores(detector, key)[places] > rules[rule].threshold
        wrong = kept.wrong(key)[places]
        true, evades = (Proportion(int(each.sum()), len(each)) for each in (alarms, wrong & ~alarms))
        caught = Proportion(int(alarms[wrong].sum()), int(wrong.sum())) if wrong.any() else None
        where = {"run": kept.folder.name, "source": source, "detector": detector, "rule": rule}
        shares = {"true_positive": true, "caught_of_fooled": caught, "evasion": evades}
        yield flat(
            {**where, "attack": attack, "eps": eps, "images": true.trials, "fooled": int(wrong.sum())}
            | {name: None if share is None else share.value for name, share in shares.items()}
            | {f"{name}_interval": None if share is None else share.interval for name, share in shares.items()}
        )


def by_size(runs):
    """Those with most images first."""
    return sorted(runs, key=lambda kept: -len(kept.arrays["labels/clean"]))


def differences_of(runs):
    """Detectors of one run, and pairs with the same watched model, on the same images."""
    seen = set()
    for source, first, second in compared_ways(by_size(runs)):
        ways = [(*kept.models, detector, rule) for kept, detector, _, rule in (first, second)]
        if (what := (source, *map(tuple, ways))) not in seen:
            seen.add(what)
            yield from compared(source, first, second)


def compared_ways(runs):
    """The source of images, and two ways to watch: a run, a detector, the key of the images, and a rule each."""
    mixes = [(kept, key, what[0]) for kept in runs for key, what in kept.sets.items() if what[1] == "mix"]
    for kept, key, source in mixes:
        if "disagreement" in kept.detectors:
            yield source, (kept, "divergence", key, "as disagreement"), (kept, "disagreement", key, "own")
        for other in kept.detectors:
            if other not in ("divergence", "disagreement"):
                yield source, (kept, "divergence", key, "promise"), (kept, other, key, "promise")
    for (one, key, source), (other, key_too, source_too) in combinations(mixes, 2):
        alike = one.models[0] == other.models[0] and one.pair != other.pair and source == source_too
        if alike and same_images(one, key, other, key_too):
            for detector, rule in (("disagreement", "own"), ("divergence", "promise")):
                yield source, (one, detector, key, rule), (other, detector, key_too, rule)


def same_images(one, key, other, key_too):
    """Whether the watched model said the same of as many images: they are the same, then."""
    first, second = one.arrays[f"logits/{key}"][0], other.arrays[f"logits/{key_too}"][0]
    return first.shape == second.shape and np.allclose(first, second, atol=1e-3)


def compared(source, first, second):
    """Differences of the first way to the second: AUROC, true alarms, those of images that fool, evasion."""
    sides = []
    for kept, detector, key, rule in (first, second):
        if rule not in kept.rules(detector):
            return
        threshold = kept.rules(detector)[rule].threshold
        clean, scores = kept.scores(detector, "clean"), kept.scores(detector, key)
        sides.append((clean, scores, clean > threshold, scores > threshold, kept.wrong(key)))
    (clean, scores, false, true, wrong), (clean_too, scores_too, false_too, true_too, _) = sides
    suspicious = np.repeat([False, True], len(scores))

    def area(*both):
        figure = ranking_figure(np.concatenate(both), suspicious)
        return lambda weights: figure(np.concatenate([weights, weights], axis=1))

    def net(alarms, missed):
        return mean_figure(alarms.astype(float) - missed.astype(float))

    kept, kept_too = first[0], second[0]
    where = {
        "data": kept.data,
        "images_of": source,
        **{"models": kept.pair, "detector": first[1], "rule": first[3], "run": kept.folder.name},
        **{"models_2": kept_too.pair, "detector_2": second[1], "rule_2": second[3], "run_2": kept_too.folder.name},
    }
    measures = {
        "auroc": bootstrap_difference(area(clean, scores), area(clean_too, scores_too), len(scores)),
        "false alarms": paired_difference(false, false_too),
        "true alarms": paired_difference(true, true_too),
        "true less false": bootstrap_difference(net(true, false), net(true_too, false_too), len(scores)),
        "evasion": paired_difference(wrong & ~true, wrong & ~true_too),
    }
    if wrong.any():
        measures["caught of fooled"] = paired_difference(true[wrong], true_too[wrong])
    for measure, (value, ends) in measures.items():
        images = int(wrong.sum()) if measure == "caught of fooled" else len(scores)
        yield flat({**where, "measure": measure, "images": images, "difference": value, "difference_interval": ends})


def attackers_of(runs):
    """Every attacker who knows a detector, beside what he was given: the attack that does not know it."""
    for kept in runs:
        if (kept.folder / "adaptive.csv").is_file():
            with (kept.folder / "adaptive.csv").open() as file:
                for row in csv.DictReader(file):
                    yield {"run": kept.folder.name, "models": kept.pair, **row}


def write(path, rows):
    """A table; rows may lack columns."""
    rows = list(rows)
    if rows:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(
                file, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n"
            )
            writer.writeheader()
            writer.writerows(rows)


def draw(runs):
    """A line of panels a data set: curves, alarms at every strength, and what is left to who knows the detector."""
    figure = new_figure(11.5, 6.8)
    for line, data in zip(figure.subplots(2, 3), ("mnist", "fashion-mnist"), strict=True):
        mine = [kept for kept in runs if kept.data == data]
        draw_curves(line[0], data, largest(mine, "mix"))
        draw_strengths(line[1], largest(mine, "mix"))
        draw_evasion(line[2], [kept for kept in mine if (kept.folder / "adaptive.csv").is_file()])
        line[0].set_title(data, loc="left", fontsize=10)
    return png(figure)


def largest(runs, attack):
    """Of every pair that watches the ConvNet without a device, the run with most images."""
    found = {}
    for kept in reversed(by_size(runs)):
        mixed = any(what[1] == attack for what in kept.sets.values())
        if kept.models[0].endswith("convnet") and len(kept.models) == 2 and mixed:
            found[kept.models[1].removeprefix(f"{kept.data}-")] = kept
    return {name: found[name] for name in ("qvc500", "resnet18", "quadratic") if name in found}


def on_convnet(kept):
    """The key of the mix that was made on the ConvNet."""
    return next(key for key, (source, attack, _) in kept.sets.items() if source.endswith("convnet") and attack == "mix")


def draw_curves(axes, data, runs):
    """Divergence at every threshold, disagreement as a mark, and the figures of the paper."""
    for colour, (name, kept) in zip(COLOURS, runs.items(), strict=False):
        key = on_convnet(kept)
        curve = roc(kept.scores("divergence", "clean"), kept.scores("divergence", key))
        axes.plot(curve.false_positives, curve.true_positives, color=colour, label=f"ConvNet + {name}")
        disagrees = [(kept.scores("disagreement", which) > 0).mean() for which in ("clean", key)]
        axes.plot(*disagrees, "o", color=colour)
    if data == "fashion-mnist":
        axes.plot(*WEST["convnet"], "*", color="black", markersize=11, label="West et al., ConvNet + QVC500")
    axes.plot([0, 1], [0, 1], "--", color="0.6", linewidth=1)
    axes.set_xlim(-0.01, 0.4)
    axes.set_ylim(0, 1.02)
    axis_names(axes, "false alarms", "true alarms; dots: labels differ")
    legend(axes, loc="lower right")


def draw_strengths(axes, runs):
    """The images that fool the ConvNet and raise an alarm, at 5 % of false ones, against the strength."""
    for colour, marker, (name, kept) in zip(COLOURS, MARKERS, runs.items(), strict=False):
        key = on_convnet(kept)
        threshold, wrong = kept.rules("divergence")["promise"].threshold, kept.wrong(key)
        alarms = kept.scores("divergence", key) > threshold
        for attack, style in (("fgsm", ":"), ("pgd", "-")):
            points = sorted((eps, places[wrong[places]]) for part, eps, places in kept.cells[key] if part == attack)
            shares = [(eps, Proportion(int(alarms[some].sum()), len(some))) for eps, some in points if len(some) > 9]
            x, y = [eps for eps, _ in shares], [share.value for _, share in shares]
            axes.plot(
                x, y, style, color=colour, marker=marker, markersize=4, label=f"ConvNet + {name}, {attack.upper()}"
            )
            if attack == "pgd":
                interval(axes, x, *zip(*(share.interval for _, share in shares), strict=True), colour)
    axes.set_ylim(0, 1.02)
    axis_names(axes, "ε", "caught of those that fool, 5 % false alarms")
    legend(axes, loc="lower left")


def draw_evasion(axes, runs):
    """What is left to an attacker: without knowing of the detector, and knowing it."""
    wanted = [("disagreement", None, "labels differ"), ("divergence", PROMISE, "divergence, 5 %")]
    pairs = [kept for name in ("qvc500", "resnet18", "quadratic") for kept in runs if kept.models[1].endswith(name)]
    for number, kept in enumerate(pairs):
        for place, (detector, promise, told) in enumerate(wanted):
            row = next(each for each in kept.rows if each["detector"] == detector and each["false_alarms"] == promise)
            x = number + 0.4 * (place - 0.5)
            for height, ends, filled in (
                (row["evasion_rate"], row["evasion_interval"], False),
                (row["adaptive"], row["adaptive_interval"], True),
            ):
                style = {"color": COLOURS[place]} if filled else {"color": "none", "edgecolor": COLOURS[place]}
                name = f"{told}, {'known' if filled else 'not known'}" if number == 0 else None
                where = x + (0.09 if filled else -0.09)
                axes.bar(where, height, 0.17, label=name, **style)
                axes.vlines(where, *ends, color="0.2", linewidth=1)
    axes.set_xticks(range(len(pairs)), [f"+ {kept.models[1].removeprefix(f'{kept.data}-')}" for kept in pairs])
    axes.set_ylim(0, 1.3)
    axis_names(axes, "", "wrong in silence")
    if pairs:
        legend(axes, loc="upper left", ncols=2)


def main(out, *folders):
    """Read all runs, write all tables."""
    runs = [Kept(Path(folder)) for folder in folders if (Path(folder) / "metrics.json").is_file()]
    out = Path(out)
    write(out / "detection.csv", (flat(row) for kept in runs for row in rows_of(kept)))
    write(out / "study" / "detection_strengths.csv", strengths_of(runs))
    write(out / "study" / "detection_differences.csv", differences_of(runs))
    write(out / "study" / "detection_adaptive.csv", attackers_of(runs))
    (out / "detection.png").write_bytes(draw(runs))


if __name__ == "__main__":
    main(*sys.argv[1:])
