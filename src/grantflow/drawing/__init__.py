"""Pictures of a process: Mermaid text, or an SVG that needs nothing else."""

from grantflow.drawing.mermaid import mermaid
from grantflow.drawing.picture import picture_of
from grantflow.drawing.svg import svg

__all__ = ["mermaid", "picture_of", "svg"]
