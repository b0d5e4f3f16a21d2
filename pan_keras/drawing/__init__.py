"""Arrays in, pictures out: colours, panels of pictures and text, figures.

`colours` and `panels` need OpenCV alone; `figures` needs matplotlib too.
"""
