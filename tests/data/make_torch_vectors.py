"""Ask PyTorch for the losses and gradients that tests/test_torch.py compares with, and store them beside this file.

Run it where PyTorch is installed, which xentlib itself never needs:

    python -m venv /tmp/torch-venv
    /tmp/torch-venv/bin/pip install torch==2.13.0 numpy==2.4.6
    /tmp/torch-venv/bin/python tests/data/make_torch_vectors.py

The same versions give the same bytes; the file names those it was made with. It holds, for each number of classes K,
the inputs, and for each kind of target the answers to `torch_cases.settings`, one after the other.
"""

import platform
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from torch_cases import ask_torch, pack, random_inputs, settings

FILE = Path(__file__).with_name("torch_vectors.npz")
N_CLASSES = (1, 2, 3, 40)  # xentlib lays out few and many classes differently


def main():
    import torch

    torch.set_num_threads(1)  # on arrays this small, threads only wait for each other
    versions = f"PyTorch {torch.__version__}, NumPy {np.__version__}, Python {platform.python_version()}"
    arrays = {"versions": np.array(versions)}
    for n_classes in N_CLASSES:
        inputs = random_inputs(n_classes, np.random.default_rng(n_classes))
        arrays |= {f"{n_classes}/{name}": values for name, values in inputs._asdict().items()}
        for kind in ("indices", "distributions"):
            print(f"K = {n_classes}, {kind} ...", file=sys.stderr)
            answers = [ask_torch(setting) for setting in settings(inputs, kind)]
            arrays |= {f"{n_classes}/{kind}/{name}": values for name, values in pack(answers).items()}
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
