"""Scripts that need a framework are run by its tests, and are no tests themselves."""

collect_ignore_glob = ["torch_*.py", "jax_*.py", "conftest.py"]
