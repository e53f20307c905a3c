"""How the tables, pictures and questions of tarvir-mini are made."""
