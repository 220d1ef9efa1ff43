"""Images side by side: `view` is the value, `html` its static form, `compare.js` its live one.

values     what each column says, for all forms
files      two images file by file
document   the comparison as JSON
"""
