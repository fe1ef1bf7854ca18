"""The server of the page: warm indexes, their pixels by plain GET, and all the rest by GraphQL."""
