"""What is fetched by plain GET, and what is brought by POST; all the rest is GraphQL."""
