"""What an exercise is: data, from which `checking` does the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple


class Mistake(NamedTuple):
    """A wrong answer that is easy to give, and the feedback on it.

    `wrong` is such an answer, of the kind that the exercise asks for. An answer is this mistake if it equals `wrong`,
    or, where `when` is given, if `when(answer)` is true.
    """

    feedback: str
    wrong: Any
    when: Callable[[Any], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise, with its answer and all that is said about wrong ones.

    Parameters
    ----------
    id : str
        The chapter's number in two digits, a hyphen, and a word: "05-gradient".
    title, task : str
        A few words, and the statement of what is asked and checked. A task is Markdown, for the page: mathematics in
        TeX between dollar signs, names that the reader types in backticks. Feedback and hints are printed as they are.
    kind : {"predict", "derive", "code", "break", "explain"}
        What the answer is: a value (numbers, a string, or a tuple of strings for an ordering), a SymPy expression in
        the book's symbols, a function, an input on which `faulty` fails, or the letter of an option.
    answer : value, expression, function, input or letter
        The reference. The names of a function's parameters are shown to the learner.
    hints : three strings
        From a nudge to the key step.
    mistakes : sequence of Mistake
        Consulted in order, only for an answer that is wrong.
    through : function of an array, for "predict"
        Where several values are right: values are compared by what it makes of them. It must not raise.
    inputs : sequence of tuples, for "code"
        The arguments of each call. A list among them is passed as an array.
    distributions : sequence of IndexedBase, for "derive"
        Which of the bases sum to 1.
    within : sequence of pairs, for "derive"
        Where the task restricts a scalar: the scalar, and the two numbers between which it lies.
    faulty, right : functions of one argument, for "break"
        The two implementations that the answer has to tell apart. An answer made of lists is passed as an array.
    outcomes : two strings, for "break"
        What the numbers of `faulty` and of `right` are, in a few words.
    legal : function, for "break"
        Takes the input, and returns what is not allowed about it, or "".
    options : sequence of strings, for "explain"
        What there is to choose from, A, B and so on, in Markdown as the task. Each that is not the answer is a
        mistake: Mistake(feedback, "B").
    because : str, for "explain"
        What is said of the right option.
    rtol, atol : float
        Numbers agree up to atol + rtol · |expected|. For "break", a larger difference is the fault that shows.
    dtype : bool
        Whether the dtype, too, must be the reference's.
    difficulty : {1, 2, 3}
    minutes : int
    """

    id: str
    title: str
    kind: Literal["predict", "derive", "code", "break", "explain"]
    task: str
    answer: Any
    hints: Sequence[str]
    mistakes: Sequence[Mistake]
    difficulty: int
    minutes: int
    through: Callable | None = None
    inputs: Sequence[tuple] = ()
    distributions: Sequence[Any] = ()
    within: Sequence[tuple[Any, tuple[int, int]]] = ()
    faulty: Callable | None = None
    right: Callable | None = None
    outcomes: tuple[str, str] = ("with the fault", "without it")
    legal: Callable[[Any], str] | None = None
    options: Sequence[str] = ()
    because: str = ""
    rtol: float = 1e-9
    atol: float = 1e-12
    dtype: bool = False

    @property
    def chapter(self) -> int:
        """The number of the chapter, from the id."""
        return int(self.id[:2])
