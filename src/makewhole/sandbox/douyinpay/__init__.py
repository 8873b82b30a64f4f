"""A Douyin Pay of our own: the same bytes on the wire, its own truth about money, and faults from one seed."""
