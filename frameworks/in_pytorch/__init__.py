"""Softmax cross-entropy in PyTorch, one file an idea. It needs PyTorch alone: copy the folder."""
