"""Pictures from arrays: colours, panels with text, figures.

`colours` and `panels` need OpenCV alone; `figures` needs matplotlib too.
"""
