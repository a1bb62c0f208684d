"""The evidence: what the log says of a call or of a case, in one file that anybody can check without us."""

from grantflow.evidence.archive import CantWrite
from grantflow.evidence.leaving_out import PRESETS, CantLeaveOut
from grantflow.evidence.pack import Packed, write_pack
from grantflow.evidence.selecting import NotAsSealed, NotSealed, Scope

__all__ = [
    "PRESETS",
    "CantLeaveOut",
    "CantWrite",
    "NotAsSealed",
    "NotSealed",
    "Packed",
    "Scope",
    "write_pack",
]
