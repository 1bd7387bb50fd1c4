"""Erasing who a patient is (decision 0045)."""
