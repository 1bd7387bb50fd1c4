"""The demonstration cohort: invented patients over three to thirteen years, whose courses follow published ones.

`load_demo` loads it into an empty database. Each story names in `sources` the report its course was learned from; the
words and most numbers are ours, and nobody here is a real person.
"""

from data.demo.load import DemoLoaded, DemoRefused, load_demo

__all__ = ["DemoLoaded", "DemoRefused", "load_demo"]
