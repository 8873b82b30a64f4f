"""Alipay's gateway v1 (`gateway.do`): questions, acts, callbacks and bills of one merchant account."""
