"""One question to the service, asked in a thread of its own so that it ends when its time is over.

The client waits in many ways, and not all can be limited from outside: for a name server, for a body that comes byte
by byte, for a token, for as long as a header asks, in loops over pages. So whoever asks waits for the thread, and
leaves it behind when the time is over; :mod:`qaml_qiskit.execution.ibm.transport` sees to it that a thread that was
left behind sends nothing more.
"""

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from typing import TypeVar

#: Seconds for an ordinary question. The client's token manager alone can wait for one minute.
USUAL = 90.0
#: Seconds for one that carries circuits there or results back.
LARGE = 600.0
#: Seconds that a question has at least, also when the time given for the whole command is over.
LEAST = 15.0
#: Requests that one question may lead to; a list of 20,000 jobs takes this many pages.
MOST_REQUESTS = 1000

Value = TypeVar("Value")


class EndlessAnswerError(Exception):
    """An answer went on for longer than any real one does."""


class Question:
    """What is known of a question while it is asked.

    Attributes:
        trouble: what went wrong with the last request, None when nothing did. The client swallows some of it.
        secrets: credentials that were sent.
        requests: how many requests were sent.
        seconds: how long it may take.
    """

    def __init__(self, seconds: float) -> None:
        """A question that may take this long."""
        self.seconds = seconds
        self.trouble: BaseException | None = None
        self.secrets: set[str] = set()
        self.requests = 0
        self._begun = time.monotonic()
        self._given_up = False

    @property
    def spent(self) -> float:
        """Seconds since it was asked."""
        return time.monotonic() - self._begun

    @property
    def left(self) -> float:
        """Seconds left, 0.0 when the time is over or the question was given up."""
        return 0.0 if self._given_up else max(0.0, self.seconds - self.spent)

    def ask(self, question: Callable[[], Value]) -> Value:
        """The answer, or what was raised instead.

        Raises:
            TimeoutError: there was none in time.
        """
        if not self.left:
            raise TimeoutError("no time left")
        answers: SimpleQueue[tuple[Value, None] | tuple[None, BaseException]] = SimpleQueue()

        def work() -> None:
            _CURRENT.set(self)
            try:
                answers.put((question(), None))
            except BaseException as error:
                answers.put((None, error))

        with warnings.catch_warnings():
            # They repeat what the service says, and what matters in them is asked for and said by this package.
            warnings.filterwarnings("ignore", category=UserWarning, module="qiskit_ibm_runtime")
            threading.Thread(target=work, name="question to the service", daemon=True).start()
            try:
                value, error = answers.get(timeout=self.left)
            except Empty:
                raise TimeoutError(f"nothing within {self.seconds:.0f} s") from None
            finally:
                self._given_up = True
        if error is not None:
            raise error
        return value  # type: ignore[return-value]

    def count(self) -> None:
        """Count a request that is about to be sent.

        Raises:
            TimeoutError: the question's time is over.
            EndlessAnswerError: it led to too many requests.
        """
        if not self.left:
            raise TimeoutError("the question was given up")
        self.requests += 1
        if self.requests > MOST_REQUESTS:
            raise EndlessAnswerError(f"more than {MOST_REQUESTS} requests for one question")


class Patience:
    """The time for a whole command, which its questions share.

    Past its end a question still has :data:`LEAST` seconds, so that a command that is told not to wait looks once at
    everything; but questions that wait in vain then share these seconds.
    """

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        self._end = time.monotonic() + seconds
        self._least = LEAST

    def limit(self, large: bool) -> float:
        """How many seconds the next question may take; 0.0 when it need not be asked."""
        return min(longest(large), max(self._end - time.monotonic(), self._least))

    def lose(self, seconds: float) -> None:
        """Note that a question took so long in vain."""
        past = time.monotonic() - self._end
        self._least = max(0.0, self._least - max(0.0, min(seconds, past)))


def longest(large: bool) -> float:
    """How many seconds a question may take when nothing else limits it."""
    return LARGE if large else USUAL


_CURRENT: ContextVar[Question | None] = ContextVar("question", default=None)
_PATIENCE: ContextVar[Patience | None] = ContextVar("patience", default=None)


def current() -> Question | None:
    """The question that this thread is asking."""
    return _CURRENT.get()


def patience() -> Patience | None:
    """The time that was given to the whole command, if any."""
    return _PATIENCE.get()


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Let all questions that are asked inside end soon after this many seconds; None sets no limit."""
    if seconds is None:
        yield
        return
    token = _PATIENCE.set(Patience(seconds))
    try:
        yield
    finally:
        _PATIENCE.reset(token)
