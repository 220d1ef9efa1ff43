"""What people see: tables, progress and charts, drawn from values and events of any engine.

table      rows of typed values, laid out as docker does
images     docker images, docker history
progress   a build while it runs, and how it ended
pull       a pull while it runs: notebook and terminal
run_output what a container prints, in a notebook
sizes      a chart of image sizes
widget     base of the views that people manipulate: static form and live one (`front.js`)
layers, compare, stages, step, experiment
           one package a view, its front-end file inside
units      sizes and times in Docker's words
"""

from .images import history_table, images_table
from .table import Column, Table
from .units import ago, human_duration, human_size, seconds

__all__ = [
    "Column",
    "Table",
    "ago",
    "history_table",
    "human_duration",
    "human_size",
    "images_table",
    "seconds",
]
