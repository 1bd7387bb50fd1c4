"""Figures: arrays and plain values in, `data` and `layout` of plotly.js as plain dicts (`drawing.Spec`) out.

No session, no clock, no web.
"""
