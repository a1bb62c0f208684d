"""GrantFlow carries public grant applications through their whole life, and can prove that it went by the rules."""

__version__ = "0.1.0"
