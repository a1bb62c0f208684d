"""The Django app of the peer: one model."""
