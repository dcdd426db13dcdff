"""Everything that is written passes through qaml_qiskit/files.py, where it is written whole or not at all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import qaml_qiskit

PACKAGE = Path(qaml_qiskit.__file__).parent
#: Calls that change the disk, whatever they are called on.
WRITES = {
    *("write_text", "write_bytes", "touch", "truncate", "ftruncate", "savetxt", "copyfile", "copytree", "symlink_to"),
    *("mkdir", "makedirs", "mkdtemp", "mkstemp", "NamedTemporaryFile", "rename", "unlink", "rmdir", "rmtree"),
}
#: Calls of libraries that write to the disk, unless the function gives them a buffer.
LIBRARIES = {"np", "torch", "qpy", "json", "yaml", "figure"}
INTO_BUFFERS = {"save", "savez", "savez_compressed", "savefig", "dump"}
#: Says who is at work, like a lock, and holds nothing that could be half written.
SIGNS_OF_LIFE = PACKAGE / "execution" / "lease.py"
#: The null device, and the folder of a download, which another library fills.
ALLOWED = {
    "cli/main.py: open in _forget",
    "cli/streams.py: open in open_missing",
    "datasets/download.py: rmdir in _remove_if_empty",
}


def calls(function: ast.FunctionDef) -> Iterator[str]:
    """Names of the calls in a function that may write."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        on = node.func.value if isinstance(node.func, ast.Attribute) else None
        library = on.id if isinstance(on, ast.Name) else ""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = [
            part.value for part in (*node.args, *(k.value for k in node.keywords)) if isinstance(part, ast.Constant)
        ]
        modes = [word for word in words if isinstance(word, str) and len(word) <= 3 and set(word) & set("wax+")]
        opens = name in ("open", "fdopen") and bool(modes or library == "os")
        may_buffer = name in INTO_BUFFERS and library in LIBRARIES
        if name in WRITES or opens or (may_buffer and "BytesIO()" not in ast.unparse(function)):
            yield name


def test_every_write_passes_through_one_file() -> None:
    found = {
        f"{file.relative_to(PACKAGE)}: {call} in {function.name}"
        for file in PACKAGE.rglob("*.py")
        if file not in (PACKAGE / "files.py", SIGNS_OF_LIFE)
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for call in calls(function)
    }
    assert found - ALLOWED == set()
