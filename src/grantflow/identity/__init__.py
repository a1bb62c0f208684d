"""Who is asking: a bearer token, checked against the keys of its own issuer, as one of GrantFlow's roles."""

from grantflow.identity.authenticator import Authenticator
from grantflow.identity.built_in import BuiltIn
from grantflow.identity.who import SCOPES, Identity, Unauthenticated

__all__ = ["SCOPES", "Authenticator", "BuiltIn", "Identity", "Unauthenticated"]
