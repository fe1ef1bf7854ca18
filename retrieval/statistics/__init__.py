"""Statistics: measures of rankings, exact and paired tests, principal components."""
