"""The service: an async chat engine with its channels, stores, models and actions."""
