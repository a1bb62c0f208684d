"""Who can be whom: the roles of a municipality or county, of the directorate, and those without a person."""

MUNICIPAL = frozenset({"applicant", "director", "project-lead", "superior"})
"""Roles for one's own organisation's cases only."""
MACHINES = frozenset({"clock", "integration"})
"""Roles without a person behind them: nobody's kin, so they declare nothing (fvl §§ 6-10)."""
DIRECTORATE = MACHINES | {"case-officer", "assessor", "decider", "attestant", "payer", "call-manager"}
"""Roles at the authority behind the call."""
CALLERS = tuple(sorted((MUNICIPAL | DIRECTORATE | {"auditor"}) - {"clock"}))
"""Whom somebody can be who comes from outside. The clock is the machine itself, and nobody else."""
STAFF = DIRECTORATE - MACHINES
"""People at the directorate."""
