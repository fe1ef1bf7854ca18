"""GraphQL: the types, the questions, the changes and the subscriptions; ``schema.py`` joins them."""
