"""Parts that pages are put together from: text for times and quantities, badges, tiles, tables, charts."""
