"""Diagnose: a Dossier, the policy and the instant go in, a Diagnosis comes out. One function an ailment, listed in `rules`."""
