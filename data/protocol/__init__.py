"""The protocol of a site: what is in force, who signed it, how it is changed, tried and activated."""
