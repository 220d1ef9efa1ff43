"""Variants held against each other: `view`, static form `html`, live form `experiment.js`."""
