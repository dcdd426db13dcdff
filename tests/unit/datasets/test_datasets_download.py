"""Fetching from a server on this machine that misbehaves in the usual ways."""

import dataclasses
import gzip
import hashlib
import logging
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest

from qaml_qiskit.datasets import DATASETS, catalogue, fetch, load_dataset
from qaml_qiskit.errors import ConfigurationError


def _idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


CONTENT = {
    file.path: gzip.compress(_idx(np.zeros((20, 28, 28)) if "images" in file.path else np.arange(20) % 10))
    for file in DATASETS["mnist"].files
}
FIRST = DATASETS["mnist"].files[0].path


class _Handler(BaseHTTPRequestHandler):
    """``/good/`` delivers; the other folders each fail in one way."""

    def do_GET(self) -> None:
        self.server.requests.append(self.path)  # type: ignore[attr-defined]
        _, mirror, name = self.path.split("/")
        content = CONTENT[name]
        if mirror == "absent":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        # A host that declares gzip files as compressed text unless the client asks for the bytes as they are.
        if mirror == "good" and "gzip" in self.headers.get("Accept-Encoding", ""):
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write({"cut": content[:-5], "other": bytes(len(content))}.get(mirror, content))

    def log_message(self, *arguments: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.requests = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def mirrors(server, tmp_path, monkeypatch):
    """Return a function that makes these folders of the server the only mirrors of MNIST."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "QAML_DATA_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache")
    monkeypatch.setattr(pooch.get_logger(), "level", logging.WARNING)
    server.requests.clear()

    def use(*folders: str) -> None:
        files = tuple(
            dataclasses.replace(
                file,
                checksum=f"sha256:{hashlib.sha256(CONTENT[file.path]).hexdigest()}",
                urls=tuple(f"http://127.0.0.1:{server.server_port}/{folder}/{file.path}" for folder in folders),
            )
            for file in DATASETS["mnist"].files
        )
        monkeypatch.setattr(catalogue, "DATASETS", {"mnist": dataclasses.replace(DATASETS["mnist"], files=files)})

    return use


def _files(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_fetches_every_file_into_the_cache(mirrors, tmp_path):
    mirrors("good")
    paths = fetch("mnist")
    assert [path.parent for path in paths] == [tmp_path / "cache" / "mnist"] * 4
    assert {path.name: path.read_bytes() for path in paths} == CONTENT


def test_fetches_into_a_data_directory_that_is_then_read(mirrors, tmp_path):
    mirrors("good")
    fetch("mnist", data_dir=tmp_path / "new" / "data")
    assert _files(tmp_path / "new") == sorted(CONTENT)
    assert len(load_dataset("mnist", data_dir=tmp_path / "new" / "data", download=False).train) == 20


def test_what_is_there_is_not_fetched_again(mirrors, server):
    mirrors("good")
    fetch("mnist")
    fetch("mnist")
    assert len(server.requests) == 4


@pytest.mark.parametrize("bad", ["absent", "cut", "other"])
def test_a_failing_mirror_is_passed_over(mirrors, server, bad):
    mirrors(bad, "good")
    assert len(load_dataset("mnist").test) == 20
    assert len(server.requests) == 8


@pytest.mark.parametrize(
    ("bad", "reason"),
    [("absent", "404"), ("cut", r"ChunkedEncodingError|ConnectionError|checksum"), ("other", "checksum")],
)
def test_a_download_that_failed_leaves_nothing_behind(mirrors, tmp_path, bad, reason):
    mirrors(bad)
    with pytest.raises(ConfigurationError, match=reason):
        fetch("mnist")
    assert _files(tmp_path) == []
    with pytest.raises(ConfigurationError, match="cannot find the data set 'mnist'"):
        load_dataset("mnist", download=False)


def test_a_wrong_file_in_the_cache_is_replaced(mirrors, tmp_path):
    mirrors("good")
    folder = tmp_path / "cache" / "mnist"
    folder.mkdir(parents=True)
    (folder / FIRST).write_bytes(b"half a file")
    fetch("mnist")
    assert (folder / FIRST).read_bytes() == CONTENT[FIRST]


def test_an_interrupted_fetch_goes_on_where_it_stopped(mirrors, server):
    mirrors("good")
    paths = fetch("mnist")
    paths[2].unlink()
    assert len(load_dataset("mnist").train) == 20
    assert server.requests[4:] == [f"/good/{paths[2].name}"]


def test_offline_the_message_has_the_places_and_the_reason(mirrors, server, tmp_path, monkeypatch):
    mirrors("good")
    spec = catalogue.DATASETS["mnist"]
    files = tuple(dataclasses.replace(file, urls=("http://127.0.0.1:1/x",)) for file in spec.files)
    monkeypatch.setattr(catalogue, "DATASETS", {"mnist": dataclasses.replace(spec, files=files)})
    with pytest.raises(ConfigurationError) as caught:
        load_dataset("mnist")
    for text in ("'mnist'", str(tmp_path / "cache"), "ConnectionError", "qaml data fetch mnist", "QAML_DATA_DIR"):
        assert text in str(caught.value)
    assert not isinstance(caught.value, OSError)


def test_without_permission_to_download_nothing_is_asked_for(mirrors, server):
    mirrors("good")
    with pytest.raises(ConfigurationError, match="cannot find"):
        load_dataset("mnist", download=False)
    assert server.requests == []


def test_a_folder_that_cannot_be_made_is_named(mirrors, tmp_path):
    mirrors("good")
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="cannot store"):
        fetch("mnist", data_dir=tmp_path / "taken")


def test_celeba_cannot_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path)
    with pytest.raises(ConfigurationError, match=r"mmlab\.ie\.cuhk\.edu\.hk"):
        fetch("celeba")
