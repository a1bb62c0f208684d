"""How fast GrantFlow is beside others that do the same work: `make bench`."""
