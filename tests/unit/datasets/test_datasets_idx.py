"""The IDX reader takes exactly the format and nothing else."""

import gzip
import struct

import numpy as np
import pytest

from qaml_qiskit.datasets.idx import read_idx
from qaml_qiskit.errors import InputError

PIXELS = np.random.default_rng(1).integers(0, 256, (3, 4, 5), dtype=np.uint8)
FILE = struct.pack(">BBBB3I", 0, 0, 8, 3, 3, 4, 5) + PIXELS.tobytes()


def _corrupt(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


@pytest.mark.parametrize("content", [FILE, gzip.compress(FILE)], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_reads_plain_and_gzipped_files_whatever_their_name(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    np.testing.assert_array_equal(read_idx(path, axes=3), PIXELS)


def test_reads_labels(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(struct.pack(">BBBBI", 0, 0, 8, 1, 4) + bytes([3, 1, 4, 1]))
    np.testing.assert_array_equal(read_idx(path, axes=1), [3, 1, 4, 1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"\0\0", "magic"),
        (FILE[:10], "header of 10 bytes"),
        (FILE[:-1], "only 59 bytes"),
        (FILE + b"\0", "trailing"),
        (_corrupt(FILE, 0), "magic"),
        (_corrupt(FILE, 2), "magic"),
        (_corrupt(FILE, 3), "magic"),
        (_corrupt(FILE, 4), "announces"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 0, 4, 5), "announces"),
        (struct.pack(">BBBBI", 0, 0, 8, 1, 4) + bytes(4), "magic number 00000801"),
        (b"<html>not found</html>", "magic"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_refuses_a_damaged_file_by_name(tmp_path, content, message, zipped):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(InputError, match=message) as caught:
        read_idx(path, axes=3)
    assert str(path) in str(caught.value)


def test_refuses_a_damaged_gzip_stream(tmp_path):
    path = tmp_path / "images.gz"
    whole = gzip.compress(FILE)
    checksum_at = len(whole) - 8
    for content in (*(whole[:length] for length in range(3, len(whole))), _corrupt(whole, checksum_at), whole + b"x"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="gzip"):
            read_idx(path, axes=3)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="absent"):
        read_idx(tmp_path / "absent", axes=3)
