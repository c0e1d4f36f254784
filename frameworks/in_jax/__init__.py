"""Softmax cross-entropy in JAX, one idea a file: what chapters 10 to 14 derive, for those who train with it."""
