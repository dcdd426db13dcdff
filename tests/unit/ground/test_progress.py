"""Tasks that are shown inside of an open bar."""

from qaml_qiskit.progress import Inside


def test_a_task_inside_a_bar_is_a_remark_and_moves_nothing() -> None:
    shown: list[tuple[int, str]] = []
    inside = Inside(lambda steps, note="": shown.append((steps, note)))
    with inside.task("encoding", 10, done=2) as advance:
        advance(3)
    inside.say("done")
    assert shown == [(0, "encoding, 2 of 10"), (0, "encoding, 5 of 10"), (0, "done")]
