"""The ledger: every event a leaf of an append-only Merkle tree, sealed by signed checkpoints that others can keep."""
