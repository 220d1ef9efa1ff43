"""The layers of an image: `view` is the value, `html` its static form, `layers.js` its live one."""
