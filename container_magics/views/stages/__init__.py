"""The stages of a build as a graph: `view`, `html` the static form, `stages.js` the live one.

layout     where boxes and arrows lie, for the figure and the live form
words      what is said of a stage, for all forms
"""
