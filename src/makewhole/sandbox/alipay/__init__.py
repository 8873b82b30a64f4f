"""Alipay's gateway as a merchant sees it: the same bytes, its own truth, and everything that goes wrong there, from one seed."""
