"""The 2023 call as a story: played through the real service, so that everything it shows is real."""

from grantflow.demo.summary import Summary
from grantflow.demo.year import Story, play

__all__ = ["Story", "Summary", "play"]
