"""Damage to files: to their bytes, and to what the bytes say in a file that is otherwise whole."""

import io
import json
import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import yaml
from safetensors.numpy import load, save

Random = np.random.Generator
#: Values where others belong: not numbers, too large, of another type, text that a terminal obeys.
HOSTILE: tuple[Any, ...] = (
    *(math.nan, math.inf, -math.inf, 1e308, -1e-320, 0.5, 0, 1, -1, 2**31, 2**63, -(2**63) - 1, 10**40),
    *(
        None,
        True,
        False,
        "",
        "1",
        "nan",
        "x" * 5000,
        "\x1b[31mred\x1b[0m",
        "../../etc",
        "\ud800",
        "naïve\0",
        "2026-13-45",
    ),
    *([], {}, [[]], [1, 2, 3], {"a": 1}, [None], list(range(3000))),
)
#: Scalars of YAML that its loader makes something else of, or fails on.
YAML_TEXT = (
    *("!!python/object/apply:os.getcwd []", "!!binary xyz", "!unknown {}", "&a [*a]", "*nowhere", "2026-13-45", "0o99"),
    *(
        "0x",
        "1e999999",
        "-.inf",
        ".nan",
        "1" * 5000,
        "190:20:30.15",
        "{" * 400,
        "[" * 3000,
        "? ",
        "%",
        "\t- a",
        "<<: 3",
    ),
    *("!!int 0b", "!!float x", "!!timestamp x", "!!set {a, b}", "!!omap [a]", "~", "\u0085", "\x07", "- - - -"),
)


class Damage(NamedTuple):
    """A changed file.

    Attributes:
        content: what it holds now.
        told: the change in words.
        consistent: whether the file is whole and says something else, rather than broken.
    """

    content: bytes
    told: str
    consistent: bool


def mutate(content: bytes, kind: str, random: Random) -> Damage:
    """One random change of a file.

    Args:
        content: a whole file.
        kind: what its bytes say: a key of :data:`STRUCTURES`, or "bytes" for nothing that is understood here.
        random: decides.
    """
    if kind in STRUCTURES and random.random() < 0.6:
        # What a change leaves may be no number at all.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Damage(*STRUCTURES[kind](content, random), consistent=True)
    change = _BYTES[random.integers(len(_BYTES))]
    return Damage(change(bytearray(content), random), change.__name__.strip("_"), consistent=False)


def _place(content: bytearray, random: Random) -> tuple[int, int]:
    start = int(random.integers(0, len(content) + 1))
    return start, int(min(len(content), start + 2 ** random.integers(0, 12)))


def _flip(content: bytearray, random: Random) -> bytes:
    for _ in range(int(random.choice([1, 1, 1, 4, 64]))):
        content[int(random.integers(len(content)))] ^= 1 << int(random.integers(8))
    return bytes(content)


def _truncate(content: bytearray, random: Random) -> bytes:
    return bytes(content[: int(random.integers(0, len(content)))])


def _behead(content: bytearray, random: Random) -> bytes:
    return bytes(content[int(random.integers(1, len(content))) :])


def _insert(content: bytearray, random: Random) -> bytes:
    start, _ = _place(content, random)
    return bytes(content[:start]) + random.bytes(int(2 ** random.integers(0, 8))) + bytes(content[start:])


def _delete(content: bytearray, random: Random) -> bytes:
    start, stop = _place(content, random)
    del content[start:stop]
    return bytes(content)


def _duplicate(content: bytearray, random: Random) -> bytes:
    start, stop = _place(content, random)
    return bytes(content[:stop] + content[start:])


def _zero(content: bytearray, random: Random) -> bytes:
    start, stop = _place(content, random)
    content[start:stop] = bytes(stop - start)
    return bytes(content)


def _scramble(content: bytearray, random: Random) -> bytes:
    start, stop = _place(content, random)
    content[start:stop] = random.bytes(stop - start)
    return bytes(content)


def _empty(content: bytearray, random: Random) -> bytes:
    return b""


def _zeros(content: bytearray, random: Random) -> bytes:
    return bytes(len(content))


def _garbage(content: bytearray, random: Random) -> bytes:
    return random.bytes(int(random.integers(1, 4096)))


def _twice(content: bytearray, random: Random) -> bytes:
    return bytes(content * 2)


_BYTES: tuple[Callable[[bytearray, Random], bytes], ...] = (
    *(_flip, _flip, _flip, _truncate, _truncate, _behead, _insert, _delete, _duplicate, _zero, _scramble),
    *(_empty, _zeros, _garbage, _twice),
)


def _deep(random: Random) -> Any:
    """A value within thousands of others."""
    value: Any = 1
    for _ in range(900):
        value = [value] if random.random() < 0.5 else {"a": value}
    return value


def _changed(value: Any, random: Random) -> tuple[Any, str]:
    """The same document with one node replaced, removed, renamed or added."""
    if isinstance(value, (dict, list)) and value and random.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = keys[int(random.integers(len(keys)))]
        copy: Any = value.copy()
        match random.random():
            case chance if chance < 0.08:
                del copy[key]
                return copy, f"removed {key}"
            case chance if chance < 0.12:
                if isinstance(copy, dict):
                    copy[f"{key}s"] = copy.pop(key)
                else:
                    copy.append(copy[key])
                return copy, f"renamed or repeated {key}"
            case _:
                copy[key], told = _changed(value[key], random)
                return copy, f"{key}: {told}"
    if isinstance(value, (int, float)) and not isinstance(value, bool) and random.random() < 0.3:
        new = value * int(random.integers(-3, 1000)) + int(random.integers(-2, 3))
        return new, f"{value} -> {new}"
    new = _deep(random) if random.random() < 0.05 else HOSTILE[int(random.integers(len(HOSTILE)))]
    return new, f"{str(value)[:40]!r} -> {str(new)[:40]!r}"


def _json(content: bytes, random: Random) -> tuple[bytes, str]:
    if random.random() < 0.03:
        return b"[" * 100_000, "deep nesting"
    value, told = _changed(json.loads(content), random)
    return json.dumps(value, indent=int(random.integers(0, 3))).encode(), told


def _jsonl(content: bytes, random: Random) -> tuple[bytes, str]:
    lines = content.splitlines()
    chosen = int(random.integers(len(lines)))
    match random.random():
        case chance if chance < 0.1:
            del lines[chosen]
            told = f"without line {chosen + 1}"
        case chance if chance < 0.2:
            lines.insert(int(random.integers(len(lines))), lines[chosen])
            told = f"line {chosen + 1} twice"
        case chance if chance < 0.3:
            order = random.permutation(len(lines))
            lines, told = [lines[i] for i in order], f"lines in the order {order + 1}"
        case _:
            lines[chosen], told = _json(lines[chosen], random)
            lines[chosen] = b" ".join(lines[chosen].split(b"\n"))
            told = f"line {chosen + 1}: {told}"
    return b"".join(line + b"\n" for line in lines), told


def _yaml(content: bytes, random: Random) -> tuple[bytes, str]:
    if random.random() < 0.4:
        lines = content.decode().splitlines()
        chosen, text = int(random.integers(len(lines))), YAML_TEXT[int(random.integers(len(YAML_TEXT)))]
        head, colon, _ = lines[chosen].partition(": ")
        lines[chosen] = f"{head}{colon or ': '}{text}"
        return "\n".join(lines).encode(), f"line {chosen + 1}: {text[:40]!r}"
    value, told = _changed(yaml.safe_load(content), random)
    try:
        return yaml.safe_dump(value, allow_unicode=True).encode(errors="surrogatepass"), told
    except (yaml.YAMLError, RecursionError):
        return json.dumps(value).encode(), told


def _array(array: np.ndarray, random: Random) -> tuple[np.ndarray, str]:
    """Another array where one belongs."""
    flat = array.copy().reshape(-1)
    changes: list[Callable[[], Any]] = [
        lambda: np.full(array.shape, HOSTILE[int(random.integers(6))], dtype=np.float64),
        lambda: array[:0] if array.ndim else array[None],
        lambda: array[None],
        lambda: flat,
        lambda: np.concatenate([flat, flat]),
        lambda: array.astype(np.complex128) if array.dtype.kind in "iufb" else array[..., None],
        lambda: array.astype("U8"),
        lambda: np.full(array.shape, -7, dtype=np.int64),
        lambda: np.full(array.shape, 2**62, dtype=np.int64),
        lambda: np.zeros(array.shape, dtype=bool),
        lambda: np.zeros((), dtype=array.dtype),
        lambda: array[::-1] if array.ndim else array,
        lambda: np.array("2026-99-99T00:00:00"),
        lambda: np.zeros((0, 4, 0)),
    ]
    if flat.size and array.dtype.kind in "iuf":
        place = int(random.integers(flat.size))
        values = [0, 1, 255, 100] if array.dtype.kind in "iu" else [math.nan, math.inf, -1, 1e30]
        flat[place] = values[int(random.integers(4))]
        changes += [lambda: flat.reshape(array.shape)] * 6
    number = int(random.integers(len(changes)))
    return changes[number](), f"change {number}"


def _npy(content: bytes, random: Random) -> tuple[bytes, str]:
    array, told = _array(np.load(io.BytesIO(content)), random)
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue(), told


def _npz(content: bytes, random: Random) -> tuple[bytes, str]:
    with np.load(io.BytesIO(content)) as archive:
        arrays = {name: archive[name] for name in archive.files}
    name = list(arrays)[int(random.integers(len(arrays)))]
    match random.random():
        case chance if chance < 0.08:
            del arrays[name]
            told = "removed"
        case chance if chance < 0.12:
            arrays[name], told = np.array([{"pickled": 1}], dtype=object), "pickled"
        case _ if arrays[name].dtype.kind == "U" and arrays[name].ndim == 0 and str(arrays[name]).startswith("{"):
            text, told = _json(str(arrays[name]).encode(), random)
            arrays[name] = np.array(text.decode(errors="replace"))
        case _:
            arrays[name], told = _array(arrays[name], random)
    buffer = io.BytesIO()
    (np.savez_compressed if random.random() < 0.5 else np.savez)(buffer, **arrays)
    changed = bytearray(buffer.getvalue())
    if random.random() < 0.05:
        # The flag of an encrypted member, in the file's own header and in the directory.
        changed[6] |= 1
        changed[changed.rfind(b"PK\x01\x02") + 8] |= 1
        told = "encrypted"
    return bytes(changed), f"{name}: {told}"


def _safetensors(content: bytes, random: Random) -> tuple[bytes, str]:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    if random.random() < 0.5:
        if "__metadata__" in header and random.random() < 0.7:
            text, told = _json(header["__metadata__"]["state"].encode(), random)
            header["__metadata__"]["state"] = text.decode()
        else:
            header, told = _changed(header, random)
        encoded = json.dumps(header).encode()
        return len(encoded).to_bytes(8, "little") + encoded + content[8 + length :], told
    tensors = dict(load(content))
    name = list(tensors)[int(random.integers(len(tensors)))]
    tensors[name], told = _array(tensors[name], random)
    if tensors[name].dtype.kind not in "iufb":
        tensors[name] = np.zeros(3, dtype=np.float16)
    return save({key: np.ascontiguousarray(value) for key, value in tensors.items()}, header.get("__metadata__")), told


#: Files whose content is understood, so that it can be damaged where a checksum or a parser would not see it.
STRUCTURES: dict[str, Callable[[bytes, Random], tuple[bytes, str]]] = {
    "json": _json,
    "jsonl": _jsonl,
    "yaml": _yaml,
    "npy": _npy,
    "npz": _npz,
    "safetensors": _safetensors,
}
