"""Models of counts: negative binomial and Poisson levels."""
