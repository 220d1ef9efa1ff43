"""What people see: tables, progress and charts, drawn from values and events of any engine.

table      rows of typed values, laid out as docker does
live_table a table that changes
images     docker images, docker history
containers docker ps
progress   a build while it runs, and how it ended
pull       a pull while it runs: notebook and terminal
run_output what a container prints, in a notebook
sizes      a chart of image sizes
widget     base of the views that people manipulate: static form and live one (`front.js`)
sampling   what containers use, as long as somebody looks
layers, compare, stages, step, experiment, container_table, stats, terminal
           one package a view, its front-end file inside
units      sizes and times in Docker's words
"""

from .images import history_table, images_table
from .table import Column, Table
from .units import ago, binary_size, human_duration, human_size, seconds

__all__ = [
    "Column",
    "Table",
    "ago",
    "binary_size",
    "history_table",
    "human_duration",
    "human_size",
    "images_table",
    "seconds",
]
