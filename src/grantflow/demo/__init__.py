"""The 2023 call as a story: played through the real service, so that everything it shows is real."""

from grantflow.demo.stage import Refusal
from grantflow.demo.summary import AreasSummary, Audited, Summary, audited
from grantflow.demo.year import Afterword, Story, Year, play, play_areas

__all__ = [
    "Afterword",
    "AreasSummary",
    "Audited",
    "Refusal",
    "Story",
    "Summary",
    "Year",
    "audited",
    "play",
    "play_areas",
]
