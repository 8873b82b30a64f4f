"""The verbs: observe, diagnose, plan, guard, execute, verify, record. Pure functions from nouns to a noun; strangers to each other."""
