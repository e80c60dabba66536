"""Lead times: their distribution, mixtures, and when open orders come."""
