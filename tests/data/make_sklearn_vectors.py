"""Make sklearn_logistic.npz: what scikit-learn's LogisticRegression finds on the digits.

    pip install scikit-learn==1.9.1
    python tests/data/make_sklearn_vectors.py

Its Newton–Cholesky solver comes down to a gradient of 1e-12. L-BFGS, the default, stops 2e-5 away from there whatever
its tol, and so could not serve as a reference for 1e-5.
"""

from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).parent
VERSION = "1.9.1"


def main():
    if sklearn.__version__ != VERSION:
        raise SystemExit(f"needs scikit-learn {VERSION}; got {sklearn.__version__}")
    with np.load(HERE.parents[1] / "chapters" / "data" / "digits.npz") as file:
        features, labels = file["images"].reshape(-1, 64) / 16, file["labels"]
    vectors = {"sample_weight": 1.0 + np.arange(len(labels)) % 3}
    for l2 in (1e-2, 1e-3):
        for name, weight in (("equal", np.ones(len(labels))), ("weighted", vectors["sample_weight"])):
            model = LogisticRegression(C=1 / (l2 * weight.sum()), solver="newton-cholesky", tol=1e-12, max_iter=1000)
            model.fit(features, labels, weight)
            vectors[f"coef_{l2}_{name}"] = model.coef_
            vectors[f"intercept_{l2}_{name}"] = model.intercept_
            print(f"l2 = {l2}, {name}: {model.n_iter_[0]} iterations, accuracy {model.score(features, labels):.4f}")
    np.savez_compressed(HERE / "sklearn_logistic.npz", **vectors)


if __name__ == "__main__":
    main()
