"""The 2023 call as a story: played through the real service, so that everything it shows is real."""

from grantflow.demo.stage import Refusal
from grantflow.demo.summary import Summary
from grantflow.demo.year import Story, Year, play

__all__ = ["Refusal", "Story", "Summary", "Year", "play"]
