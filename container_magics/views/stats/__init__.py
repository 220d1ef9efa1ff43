"""What containers use, over time: `view`, static form `html` and `figure`, live form `stats.js`."""
