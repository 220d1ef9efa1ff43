"""A build while it runs, and how it ended: in a notebook cell, and in a terminal.

events ──► log (states, stages, downloads, log_file)     what has happened: data
└──► view ◄── notebook ──► layout, headings, step_html, downloads_html, log_html
◄── terminal     outcome: the block below the steps
"""
