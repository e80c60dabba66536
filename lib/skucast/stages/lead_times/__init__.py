"""Purchase orders and receipts → lead times of suppliers and items."""
