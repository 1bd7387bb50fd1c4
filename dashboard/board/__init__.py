"""The tumour-board summary: what the patient page shows, on two sheets of paper."""
