"""Past forecasts and policies beside the demand that came after them."""
