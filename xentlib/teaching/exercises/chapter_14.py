"""The exercises of chapter 14: the loss of logits that lie on many machines."""

import numpy as np
from sympy import sympify

import xentlib
from xentlib.teaching.exercises.exercise import Exercise, Mistake
from xentlib.teaching.exercises.inputs import lead, logits_of
from xentlib.teaching.symbolic import j, log, p, q, sum_over, y

TITLE = "14 Many machines"


# 14-winner


def class_of_best(tops, places, starts):
    winner = tops.argmax(axis=0)
    rows = np.arange(tops.shape[1])
    return starts[winner] + places[winner, rows]


def starts_of(sizes):
    return np.cumsum(sizes) - sizes


def accuracy(tops, places, sizes, labels):
    return np.mean(class_of_best(tops, places, starts_of(sizes)) == labels)


def any_of_the_machines(tops, places, sizes, labels):
    return np.mean((starts_of(sizes)[:, np.newaxis] + places == labels).any(axis=0))


# 14-piece

TABLE = np.array([
    [1.0, 2.0, 0.5, -0.25, 0.75, 1.5, 0.0],
    [0.0, -1.0, 2.5, 0.5, 1.0, -0.5, 0.25],
    [3.0, 0.75, -1.0, 1.25, 0.0, 2.0, -2.0],
    [-0.5, 1.0, 0.25, 2.0, 3.0, 0.5, 1.75],
])  # fmt: skip
LSE = np.asarray(xentlib.logsumexp(TABLE))


def in_the_sum(piece, start, labels, lse):
    grad = np.exp(piece - lse[:, np.newaxis])
    place = labels - start
    mine = (place >= 0) & (place < piece.shape[1])
    return less_one(grad, mine, place)


def less_one(grad, mine, place):
    grad[mine, place[mine]] -= 1
    return grad


def piece_of_gradient(piece, start, labels, lse):
    return in_the_sum(piece, start, labels, lse) / len(piece)


def own_softmax(piece, start, labels, lse):
    return piece_of_gradient(piece, start, labels, xentlib.logsumexp(piece))


def counted_from_the_end(piece, start, labels, lse):
    place = labels - start
    return less_one(np.exp(piece - lse[:, np.newaxis]), place < piece.shape[1], place) / len(piece)


def moved_into_the_piece(piece, start, labels, lse):
    return piece_of_gradient(piece, start, np.clip(labels, start, start + piece.shape[1] - 1), lse)


def counted_from_zero(piece, start, labels, lse):
    return piece_of_gradient(piece, 0, labels, lse)


# 14-drop: two classes on each of three machines; the class at index 1 is true


def are_dropped(z):
    tops = z.reshape(3, 2).max(axis=1)
    first, second, third = tops < tops.max() - 16
    return np.array([first, False, second, second, third, third])


def all_kept(z):
    return xentlib.softmax_cross_entropy(z, 1)


def some_dropped(z):
    return all_kept(np.where(are_dropped(z), -np.inf, z))


# 14-silent

HEARD = sum_over(j, p[j] * q[j])


EXERCISES = (
    Exercise(
        id="14-four", title="Four equal reports", kind="predict", difficulty=1, minutes=3,
        task="Four machines share the classes of one word, 64,000 each. Each reports that the log-sum-exp of its own "
        "logits is 2. The true logit is 1. What is the loss? Two decimals.",
        answer=1 + np.log(4), rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is the loss for one machine's classes. The others' are rivals, too.", 1.0),
            Mistake("The reports were added. It is their exponentials that add up.", 7.0),
            Mistake("This is the logarithm of the sum of the reports, less the true logit. The exponentials are "
                    "missing.", np.log(8) - 1),
            Mistake("This is log-sum-exp of all classes. The true logit is still to be taken off.", 2 + np.log(4)),
            Mistake("The four machines were counted, but what each of them reports was lost.", np.log(4)),
        ),
        hints=(
            "Do you need to know how many classes each machine has?",
            "A report ℓ stands for a sum of exponentials, e^ℓ. Four of these are to be added.",
            "log(4 e²) is log-sum-exp of all classes. The loss is that, less the true logit.",
        ),
    ),
    Exercise(
        id="14-winner", title="Who is right?", kind="code", difficulty=2, minutes=10,
        task="$S$ machines share the classes of $N$ samples; `sizes`, $S$ numbers, says how many each has, in order. "
        "For each sample $n$, machine $s$ knows its largest logit, `tops[s, n]`, and which of its own classes has it, "
        "`places[s, n]`, counted from 0. Write a function of `tops`, `places`, `sizes` and `labels` ($N$ class "
        "indices) that returns the accuracy.",
        answer=accuracy,
        inputs=(
            (
                [[1.0, 0.2, 3.0, 0.5, 2.0], [2.0, 1.2, 1.0, 0.0, 2.5]],
                [[0, 2, 1, 0, 3], [1, 0, 1, 1, 0]], [4, 2], [5, 4, 1, 0, 3],
            ),
            (
                [[0.1, 2.0, 0.3, 1.0], [1.5, 0.5, 0.2, 0.3], [0.4, 1.0, 2.2, 3.1]],
                [[1, 0, 1, 0], [2, 1, 0, 1], [0, 3, 1, 2]], [2, 3, 4], [4, 2, 6, 0],
            ),
            (
                [[2.0, 0.0, 1.0, 0.0, 1.0, 0.1], [1.0, 3.0, 0.0, 1.0, 0.0, 0.9], [0.0, 1.0, 0.5, 2.0, 0.2, 1.1]],
                [[0, 2, 1, 1, 0, 2], [0, 0, 0, 0, 0, 0], [1, 0, 1, 1, 0, 0]], [3, 1, 2], [0, 3, 1, 5, 4, 0],
            ),
        ),
        mistakes=(
            Mistake("The place was taken for the class. It counts from the first class of its own machine.",
                    lambda tops, places, sizes, labels: np.mean(class_of_best(tops, places, 0 * sizes) == labels)),
            Mistake("np.cumsum(sizes) says where each share ends. Where does it start?",
                    lambda tops, places, sizes, labels:
                    np.mean(class_of_best(tops, places, np.cumsum(sizes)) == labels)),
            Mistake("This takes all shares to be as large as the first one.",
                    lambda tops, places, sizes, labels:
                    np.mean(class_of_best(tops, places, sizes[0] * np.arange(len(sizes))) == labels)),
            Mistake("This is the number of samples that are right. The accuracy is their share of all.",
                    lambda tops, places, sizes, labels: len(labels) * accuracy(tops, places, sizes, labels)),
            Mistake("A sample counts as right here if any machine has the label at its top. Only the machine with the "
                    "largest logit counts.", any_of_the_machines),
        ),
        hints=(
            "Two questions for each sample: which machine wins, and which class wins there?",
            "Class 0 of machine s is class sizes[0] + … + sizes[s − 1] of all.",
            "w = tops.argmax(axis=0); the class is (np.cumsum(sizes) - sizes)[w] + places[w, np.arange(N)].",
        ),
    ),
    Exercise(
        id="14-piece", title="One machine's piece of the gradient", kind="code", difficulty=2, minutes=10,
        task="Write a function of `piece`, the logits of $N$ samples for the classes `start`, `start + 1`, … of one "
        "machine; of `start`; of `labels`, $N$ indices that count over all classes; and of `lse`, the log-sum-exp of "
        "all classes for each sample. It returns this machine's piece of the gradient of the mean loss. "
        "Logits may be as large as 1000.",
        answer=piece_of_gradient,
        inputs=(
            (TABLE[:, 2:5], 2, [3, 0, 4, 6], LSE),
            (TABLE[:2, :2], 0, [1, 5], LSE[:2]),
            (TABLE[:3, 3:7], 3, [2, 3, 0], LSE[:3]),
            (TABLE[1:3, 2:5], 2, [2, 1], LSE[1:3]),
            ([[1000.0, 999.0], [-1000.0, -1001.0]], 1, [1, 4], [1000.5, -999.5]),
        ),
        mistakes=(
            Mistake("This is softmax within the piece. The classes of the other machines belong in the sum: use "
                    "lse.", own_softmax),
            Mistake("A label below start gives a negative index, and Python counts it from the end: the 1 lands on a "
                    "class that is not true. Look at both ends of the piece.", counted_from_the_end),
            Mistake("The labels count over all classes, the columns of the piece from start.", counted_from_zero),
            Mistake("Where the true class lies on another machine, its label was moved into the piece, and a 1 taken "
                    "off there. In this piece such rows keep their q.", moved_into_the_piece),
        ),
        hints=(
            "What is q_i, for a class i of this machine, in terms of its logit and lse?",
            "q_i = e^(z_i − lse). Which samples have their true class on this machine, and in which column?",
            "place = labels - start; mine = (place >= 0) & (place < piece.shape[1]). Then index rows and columns.",
        ),
    ),
    Exercise(
        id="14-average", title="The average of wrong losses", kind="explain", difficulty=2, minutes=4,
        task="Here is the slip with label smoothing once more: log-sum-exp is merged, but each of $S$ machines smooths "
        "towards its own classes alone, so each has a different loss. A colleague leaves that as it is and takes the "
        "average of the $S$ losses. All machines have the same number of classes. What is the average?",
        options=(
            "Wrong, as each of the losses was: a mean of means is not the mean.",
            "The right loss: the means of equal shares weigh the same, and the loss is linear in them.",
            "The right loss, and it would be for shares of any size: an average makes up for the differences.",
            "Right only if all machines have the same mean logit: otherwise the errors do not cancel.",
        ),
        answer="B",
        because="The losses differ in −ε times the mean logit of the share, and in nothing else. The mean of the means "
        "of equal shares is the mean of all. Give the last machine fewer classes, and the average is wrong again.",
        mistakes=(
            Mistake("The two differ only where the parts do not weigh the same. Here each mean runs over equally many "
                    "classes.", "A"),
            Mistake("A small share would count as much as a large one: its classes would get more than ε/K each.",
                    "C"),
            Mistake("In that case each loss is right by itself. If the mean logits differ, some losses are too large "
                    "and others too small. By how much in all?", "D"),
        ),
        hints=(
            "Write down the loss of one machine. In which term does it differ from that of another?",
            "It is (1 − ε)(ℓ − z_y) + ε (ℓ − mean logit of the share).",
            "Average the mean logits of S shares with n classes each. Is that the mean over all S · n?",
        ),
    ),
    Exercise(
        id="14-drop", title="Too small to matter", kind="break", difficulty=3, minutes=8,
        task="To save messages, a machine stays silent if its largest logit is more than 16 below the best of all: "
        "$e^{-16}$ is about $10^{-7}$, too small to matter. The true logit always counts. Find six finite logits, two "
        "on each of three machines, with dog (index 1) true, for which the loss is wrong by more than 1 %.",
        answer=[0.0, 30.0, 0.0, 0.0, 0.0, 0.0],
        faulty=some_dropped, right=all_kept, legal=logits_of(6, also=lambda z: "" if all_kept(z) else
                                                             "here the true loss, too, is 0 in float64"),
        rtol=0.01, atol=0,
        outcomes=("loss without the silent machines", "loss with all machines"),
        mistakes=(
            Mistake("No machine is silent here: each has a logit that is no more than 16 below the best.",
                    [0.0, 10.0, 0.0, 0.0, 0.0, 0.0], lambda z: not are_dropped(z).any()),
            Mistake("Dog does not lead, so the loss is at least log 2, and 10⁻⁷ is indeed nothing compared with it.",
                    [30.0, 0.0, 0.0, 0.0, 0.0, 0.0], lambda z: are_dropped(z).any() and lead(z, 1) <= 0),
            Mistake("Dog leads, but a rival that is heard outweighs those that are silent.",
                    [25.0, 30.0, 0.0, 0.0, 0.0, 0.0], lambda z: are_dropped(z).any() and lead(z, 1) > 0),
        ),
        hints=(
            "10⁻⁷ compared with what? Think of a loss that is not much larger itself.",
            "Dog has to lead by more than 16. Then the loss is nearly the sum of its rivals' e^(z_j − z_y).",
            "If the rival on dog's own machine is as far behind as the others, most of that sum is silent.",
        ),
    ),
    Exercise(
        id="14-silent", title="A machine that does not answer", kind="derive", difficulty=2, minutes=7,
        task="Some machines fail, and nobody notices: what the others send is merged as if it were all. Let $p_j$ be 1 "
        "for a class whose machine answered and 0 for the others, with $p_y = 1$, and let $q$ be the softmax of all "
        "logits. Write the loss that comes out in terms of $p$ and $q$. Leave out $p_y$.",
        answer=log(HEARD) - log(q[y]), distributions=(q,),
        mistakes=(
            Mistake("This is the loss with all machines. Fewer classes are in the sum, so q_y grows.", -log(q[y])),
            Mistake("The sign of one part is turned round: this loss is larger than before, and the true class has "
                    "fewer rivals now.", -log(HEARD) - log(q[y])),
            Mistake("The loss was divided. It is the probability that has to be divided, before the logarithm.",
                    -log(q[y]) / HEARD),
            Mistake("p_y is 1: leave it out.", log(HEARD) - log(p[y] * q[y]), lambda loss: sympify(loss).has(p[y])),
        ),
        hints=(
            "Which probability does the true class have among the classes that answered?",
            "These have the probability Σ_j p_j q_j in all. Divide by it, so that they sum to 1 again.",
            "It is −log(q_y / Σ_j p_j q_j). Is that more or less than −log q_y?",
        ),
    ),
    Exercise(
        id="14-lost", title="How much went missing?", kind="predict", difficulty=2, minutes=5,
        task="The loss of a word is 1.609. Then the report of one machine gets lost, and nobody notices: the loss of "
        "the same word comes out as 1.447. The true class is on another machine. What share of the probability $q$ "
        "do the classes of the lost machine have in all? Two decimals.",
        answer=0.15, rtol=0, atol=0.0051,
        mistakes=(
            Mistake("This is the share of the machines that answered.", 0.85),
            Mistake("This is the difference of the losses. It is one of logarithms: take the exponential.", 0.162),
            Mistake("This is by how much the true class seems to have gained. What was lost is the rivals' share.",
                    0.0352),
            Mistake("This is e^(1.609 − 1.447), the whole sum over what was left of it. Invert it; what is then "
                    "missing from 1 was lost.", np.exp(0.162)),
            Mistake("Losses are logarithms, so their ratio says little. Subtract them instead.", 0.1007),
        ),
        hints=(
            "The loss is log-sum-exp less the true logit. Which of the two has changed?",
            "Only the first, so the losses differ as the two log-sum-exps do. What is a difference of logarithms?",
            "e^(1.447 − 1.609) is the sum that was left, divided by the whole sum.",
        ),
    ),
    Exercise(
        id="14-even", title="When gathering is cheaper", kind="predict", difficulty=3, minutes=6,
        task="Take two lines of the bill. Gathering sends each logit as a float32 number and gets its gradient back; a "
        "tree sends seven float64 numbers, and gets six back. The classes of one sample are shared by 64 machines. For "
        "how many classes $K$ do both cost the same number of bytes?",
        answer=832, rtol=0,
        mistakes=(
            Mistake("This is the number of classes of one machine.", 13),
            Mistake("The gradient goes over the wire as well: gathering takes 4 bytes for each class, each way.", 1664),
            Mistake("The six numbers go over the wire as well: a tree takes 56 bytes one way and 48 back.", 448),
            Mistake("The machine that gathers has its own share already, so not all K logits are sent.", 819),
            Mistake("The tree's numbers are float64, with 8 bytes each.", 416),
        ),
        hints=(
            "Write both prices with S and K. What do they have in common?",
            "Both hold the factor S − 1. Without it, one is 8K/S and the other is 56 + 48.",
            "K/S is 104/8. How many classes is that on 64 machines?",
        ),
    ),
)  # fmt: skip
