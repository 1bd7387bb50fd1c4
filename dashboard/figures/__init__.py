"""Figures: arrays and plain values in, `plotly.graph_objects.Figure` out. No session, no clock, no web."""
