"""Where statements go: URLs, engines, pools, transactions. Knows no model."""
