"""The ground floor: catalogue, orders, documents and search. It knows nothing of conversations."""
