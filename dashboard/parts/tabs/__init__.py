"""The parts of a patient's page: each is computed and sent only while its tab is open."""
