"""Every stored event judged anew: by the rules it was bound to, in the state it was decided in."""

from grantflow.rejudging.cases import Refusal, rejudge
from grantflow.rejudging.lookups import Lookups
from grantflow.rejudging.notices import rejudge_notices
from grantflow.rejudging.streams import rejudge_all, rejudge_streams

__all__ = ["Lookups", "Refusal", "rejudge", "rejudge_all", "rejudge_notices", "rejudge_streams"]
