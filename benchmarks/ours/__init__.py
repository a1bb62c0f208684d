"""GrantFlow doing the work that is measured, through the same ways in as its faces."""
