"""Draws arrays as pictures: colours, panels with text, figures.

`colours` and `panels` need only OpenCV; `figures` also needs matplotlib.
"""
