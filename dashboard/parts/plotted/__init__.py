"""From a patient's chart to what the figures draw: times on the site's clock, and a label for every entry."""
