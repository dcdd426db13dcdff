"""Small files in exactly the layouts that people have."""

import gzip
from pathlib import Path

import numpy as np
from PIL import Image


def medmnist(path: Path, seed: int = 0, **changed: np.ndarray) -> Path:
    """MedMNIST: train, val and test, 4×4 grey pixels as bytes, labels N×1."""
    generator = np.random.default_rng(seed)
    arrays: dict[str, np.ndarray] = {}
    for part, count in (("train", 40), ("val", 10), ("test", 20)):
        labels = np.arange(count) % 2
        pixels = generator.integers(0, 100, (count, 4, 4)) + 120 * labels[:, None, None]
        arrays |= {f"{part}_images": pixels.astype(np.uint8), f"{part}_labels": labels[:, None].astype(np.uint8)}
    np.savez(path, **{**arrays, **changed})
    return path


def flows(path: Path, rows: int = 80, seed: int = 0) -> Path:
    """A table with numbers, a category, a constant, and a class of four."""
    generator = np.random.default_rng(seed)
    kinds = ["normal", "neptune", "smurf", "teardrop"]
    lines = ["duration,bytes,protocol,zero,kind"]
    for row in range(rows):
        kind = kinds[row % 4]
        size = generator.integers(0, 1000) + 2000 * (kind != "normal")
        lines.append(f"{generator.random():.4f},{size},{['tcp', 'udp', 'icmp'][row % 3]},0,{kind}")
    path.write_text("\n".join(lines) + "\n")
    return path


def kdd(folder: Path) -> tuple[Path, Path, Path]:
    """NSL-KDD: zipped tables without a header, label and difficulty last; the columns' names, with kinds."""
    generator = np.random.default_rng(0)
    names = folder / "field-names.csv"
    names.write_text("duration,continuous\nprotocol_type,symbolic\nland,continuous\nrate,continuous\n")
    files = []
    for name, count, kinds in (("Train.txt.gz", 60, ["normal", "neptune"]), ("Test+.txt.gz", 30, ["normal", "mscan"])):
        lines = [
            f"{row},{['tcp', 'udp', 'icmp'][row % 3]},0,{generator.random():.2f},{kinds[row % 2]},{row % 21}"
            for row in range(count)
        ]
        files.append(folder / name)
        files[-1].write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return files[0], files[1], names


def photographs(folder: Path, parts: tuple[str, ...] = (), size: tuple[int, int] = (6, 4), mode: str = "RGB") -> Path:
    """A sub-folder a class, perhaps below a folder a part."""
    generator = np.random.default_rng(0)
    for part in parts or ("",):
        for label, name in enumerate(("ships", "trucks")):
            place = folder / part / name
            place.mkdir(parents=True)
            for index in range(6):
                pixels = generator.integers(0, 99, (size[1], size[0], 3), dtype=np.uint8) + np.uint8(99 * label)
                Image.fromarray(pixels).convert(mode).save(place / f"{index}.png")
    return folder


def idx(file: Path, array: np.ndarray) -> None:
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    file.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


def letters(folder: Path, parts: tuple[str, ...] = ("train", "t10k")) -> Path:
    """IDX files, 3×5 pixels, labels from 1 on."""
    folder.mkdir(exist_ok=True)
    for part in parts:
        idx(folder / f"{part}-images-idx3-ubyte.gz", np.arange(20 * 15).reshape(20, 3, 5) % 256)
        idx(folder / f"{part}-labels-idx1-ubyte.gz", 1 + np.arange(20) % 3)
    return folder
