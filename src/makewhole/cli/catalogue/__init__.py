"""The catalogue: every word and sentence that Makewhole says, in English and Chinese side by side, as data; `words.py` speaks it."""
