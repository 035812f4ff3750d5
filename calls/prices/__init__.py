"""Usage, prices, and the cost that follows from them."""
