"""Events, prices, weather and holidays beside the demand."""
