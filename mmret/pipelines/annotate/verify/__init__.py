"""Judges of triplets, controls that try the judges, how far they agree, and what counts as gold."""
