"""The nouns: what was heard about an order, what is made of it, what is to be done and what became of it. Values only, nothing acts."""
