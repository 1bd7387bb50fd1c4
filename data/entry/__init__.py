"""Facts that people type in: read strictly, doubted, saved whole, corrected with a reason."""
