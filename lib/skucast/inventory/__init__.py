"""Stock mathematics: plain arrays over items, no Spark."""
