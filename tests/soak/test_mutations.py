"""Damaged files of every format: refused in one line, or read as something sound; in bounded time and memory."""

import json
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from tests import child
from tests.soak.block import FAULTS, PROGRESS, read_block
from tests.soak.formats import FORMATS
from tests.soak.samples import make_samples
from tests.soak.seeds import BLOCKS, MUTATIONS, cases

pytestmark = pytest.mark.first
SIZE = MUTATIONS // BLOCKS


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "files"
    folder.mkdir()
    ended = child.run(make_samples, folder, folder=folder, environment={})
    assert ended.code == 0, ended.err
    return folder


@pytest.mark.parametrize(("name", "block"), cases(FORMATS, BLOCKS))
def test_damaged_files(name: str, block: int, samples: Path, tmp_path: Path) -> None:
    faults = faults_of(name, range(block * SIZE, (block + 1) * SIZE), samples, tmp_path)
    assert not faults, told(name, faults)


def faults_of(name: str, numbers: range, samples: Path, folder: Path) -> list[dict[str, object]]:
    """The mutations of one format that are not read as they should be."""
    left, log, faults = list(numbers), folder / "log", []
    log.mkdir()
    while left:
        place = folder / f"from-{left[0]}"
        shutil.copytree(samples, place)
        ended = child.run(read_block, name, left, log, folder=place, environment={})
        if not (log / PROGRESS).exists():
            assert ended.code == 0, ended.err
            break
        # The process itself died: of this file, which the rest is read without.
        last = int((log / PROGRESS).read_text())
        assert ended.code != 0
        how = "hangs" if ended.hung else f"the process ends with {ended.code}"
        faults.append({"number": last, "mutation": "", "fault": f"{how}: {ended.err[-500:]}"})
        left = left[left.index(last) + 1 :]
        (log / PROGRESS).unlink()
    if (log / FAULTS).exists():
        faults += [json.loads(line) for line in (log / FAULTS).read_text().splitlines()]
    return faults


def told(name: str, faults: list[dict[str, object]]) -> str:
    """The faults by kind, each with the mutations that show it."""
    kinds = defaultdict(list)
    for fault in faults:
        kinds[str(fault["fault"]).partition(": ")[0]].append(fault)
    lines = [f"{len(faults)} damaged files of the format {name} are not read as they should be:"]
    for same in sorted(kinds.values(), key=len, reverse=True):
        lines.append(f"  {len(same)} × {same[0]['fault']}; such as number {same[0]['number']} ({same[0]['mutation']})")
    lines.append(f"One of them alone: python -m tests.soak {name} NUMBER")
    return "\n".join(lines)
