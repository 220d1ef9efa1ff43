"""A walk through a build: `view` is the value, `html` its static form, `step.js` its live one.

data       what the front end gets
run        a command in the file system of a step
"""
