"""The sandbox shop: a tea shop with stock, coupons, refunds and jobs of its own, whose real-life defects can be switched on one by one."""
