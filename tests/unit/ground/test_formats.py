"""Damaged files of every format: named in one line, whatever is in them."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict
from qiskit.circuit import Parameter, QuantumCircuit

from qaml_qiskit.circuits.qpy_files import circuit_bytes, circuit_of, template_bytes
from qaml_qiskit.encodings import ApproximateEncoding
from qaml_qiskit.errors import DamagedFileError, QamlError
from qaml_qiskit.execution.catalogue import Catalogue, parse_yaml
from qaml_qiskit.execution.compilation.recipes import Recipe
from qaml_qiskit.formats import array_of, arrays_of, json_of, model_of, npy, npz, object_of, read_arrays, yaml_of

#: Mutations of each format; the soak of the slow suite tries many more.
MUTATIONS = 60


class Card(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int
    names: tuple[str, ...]


def circuit() -> QuantumCircuit:
    made = QuantumCircuit(2)
    made.rz(Parameter("x"), 0)
    made.cz(0, 1)
    made.measure_all()
    return made


BACKENDS = b"""targets:
  fake: {kind: fake, device: FakeTorino}
  own:
    kind: aer
    noise: {bit_flip: 0.1, readout: {p10: 0.02, p01: 1e-2}}
    options: {twirling: {gates: true, randomizations: 4}}
  ibm: {kind: ibm, device: ibm_torino, options: {rep_delay: 0.001}}
"""
RECIPE = b"why: because\noptimization_level: 3\nseeds: [1, 2, 3]\napproximation_degree: 0.99\n"
EXAMPLES: dict[str, tuple[bytes, Callable[[bytes], Any]]] = {
    "json": (json.dumps({"a": [1, 2.5, None], "b": {"c": "ψ"}}).encode(), lambda data: json_of(data, "x.json")),
    "card": (b'{"size": 3, "names": ["a", "b"]}', lambda data: model_of(data, "card.json", Card)),
    "npz": (npz(a=np.arange(6.0), b=np.array("text")), lambda data: arrays_of(data, "x.npz")),
    "npy": (npy(np.arange(6.0)), lambda data: array_of(data, "x.npy")),
    "yaml": (BACKENDS, lambda data: yaml_of(data, "x.yaml")),
    "backends": (BACKENDS, lambda data: parse_yaml(data, "backends.yaml", Catalogue)),
    "recipe": (RECIPE, lambda data: parse_yaml(data, "recipe.yaml", Recipe)),
}
#: What breaks YAML parsers in places where a number or a word is expected.
WORDS = (
    *(
        b"!!int ''",
        b"!!bool x",
        b"!!float .",
        b"!!timestamp x",
        b"!!python/object:os.system x",
        b"!!binary \xff",
        b"&a [*a]",
    ),
    *(
        b"0b",
        b"0x",
        b"1_",
        b"9" * 5000,
        b"1:99:99",
        b".nan",
        b"-.inf",
        b"1e999",
        b"2001-99-99",
        b"\xed\xa0\x80",
        b'"\\ud800"',
    ),
    *(
        b"[" * 3000,
        b"{" * 900,
        b"- " * 3000,
        b"? " * 500,
        b"\x00",
        b"\xef\xbb\xbf",
        b"---\n---\n",
        b"%YAML 9.9\n---\n",
        b"~",
        b"",
    ),
)


def mutated(data: bytes, count: int) -> Iterator[bytes]:
    """Cut off, overwritten, doubled, and with words in it that parsers stumble over."""
    draw = random.Random(len(data))
    for _ in range(count):
        at = draw.randrange(len(data))
        end = min(len(data), at + draw.randrange(1, 9))
        yield draw.choice(
            (
                data[:at],
                data[:at] + draw.randbytes(end - at) + data[end:],
                data[:at] + draw.choice(WORDS) + data[end:],
                data[:at] + data[end:],
                data[:end] + data[at:],
            )
        )


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_undamaged_file_is_read(name: str) -> None:
    data, read = EXAMPLES[name]
    read(data)


@pytest.mark.parametrize("name", EXAMPLES)
def test_mutations_are_read_or_named_in_one_line(name: str) -> None:
    data, read = EXAMPLES[name]
    for bad in (b"", b"\xff\xfe", *mutated(data, MUTATIONS)):
        try:
            read(bad)
        except QamlError as error:
            message = str(error)
            assert "\n" not in message
            assert len(message) < 1000
            assert message.isprintable()


@pytest.mark.parametrize("word", WORDS)
def test_words_that_yaml_parsers_stumble_over(word: bytes) -> None:
    for text in (word, b"targets: " + word, b"targets: {a: {kind: " + word + b"}}", word + b": 3"):
        with suppress(QamlError):
            parse_yaml(text, "backends.yaml", Catalogue)


def test_a_yaml_file_that_grows_without_end_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 10)]
    with pytest.raises(DamagedFileError, match="more than"):
        yaml_of("\n".join(lines).encode(), "bomb.yaml")
    with pytest.raises(DamagedFileError, match="nested more than"):
        yaml_of(b"a: &a [*a]", "loop.yaml")
    with pytest.raises(DamagedFileError, match="bytes"):
        yaml_of(b" " * 5_000_000, "long.yaml")


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "1e999"])
def test_times_and_errors_that_are_no_numbers_are_refused(value: str) -> None:
    for text in (
        f"targets: {{a: {{kind: ibm, device: x, options: {{rep_delay: {value}}}}}}}",
        f"targets: {{a: {{kind: aer, noise: {{bit_flip: {value}}}}}}}",
        f"targets: {{a: {{kind: aer, noise: {{thermal_relaxation: {{t1: {value}, t2: 1e-4, cz: 1e-7}}}}}}}}",
    ):
        with pytest.raises(QamlError, match=r"backends\.yaml"):
            parse_yaml(text, "backends.yaml", Catalogue)


def test_a_missing_field_is_damage_of_the_file() -> None:
    with pytest.raises(DamagedFileError, match=r"metrics\.json.*'rows'"):
        object_of(b'{"a": {"b": 1}}', "metrics.json")["a"]["rows"]


def test_a_misspelt_field_is_told_before_the_one_that_it_leaves_out() -> None:
    with pytest.raises(DamagedFileError, match="got the unknown field nmaes"):
        model_of(b'{"size": 3, "nmaes": 3}', "card.json", Card)


def test_an_encrypted_npz(tmp_path: Path) -> None:
    data = bytearray(npz(images=np.zeros(3)))
    # The flag that says a member is encrypted, in its own head and in the directory.
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        head = archive.infolist()[0].header_offset
    data[head + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    file = tmp_path / "images.npz"
    file.write_bytes(data)
    with pytest.raises(DamagedFileError, match="encrypted"):
        read_arrays(file, ("images",), (), source="images", expected="an .npz", remedy="write it anew")


def test_a_member_that_lost_its_head_is_no_array() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("images.npy", bytes(64))
    with pytest.raises(DamagedFileError, match="'images', which is no array"):
        arrays_of(buffer.getvalue(), "images.npz")


def test_a_circuit_that_is_cut_off() -> None:
    """Other damage is found by the digest beside the file: Qiskit takes damaged counts at their word."""
    data = circuit_bytes(circuit())
    for end in range(0, len(data), 17):
        with pytest.raises(DamagedFileError, match=r"isa\.qpy"):
            circuit_of(data[:end], "isa.qpy", "copy it")


def test_the_same_template_is_the_same_file() -> None:
    """Parameters are random objects to Qiskit; a file has those of their names, and the circuit is what it was."""
    first, second = (ApproximateEncoding(4, 2).circuit for _ in range(2))
    content = template_bytes(first)
    assert content == template_bytes(second) != circuit_bytes(first)
    values = np.random.default_rng(0).uniform(-np.pi, np.pi, first.num_parameters)
    read = circuit_of(content, "template-2.qpy", "copy it")
    assert [each.index for each in read.parameters] == list(range(len(values)))
    assert read.assign_parameters(values) == first.assign_parameters(values)


def test_a_circuit_of_a_newer_qiskit_says_which_one_reads_it() -> None:
    data = bytearray(circuit_bytes(circuit()))
    data[6:10] = bytes((99, 9, 4, 1))
    with pytest.raises(DamagedFileError, match=r"QPY version 99, written by Qiskit 9\.4\.1.*qiskit>=9\.4\.1"):
        circuit_of(bytes(data), "isa.qpy", "copy it")
