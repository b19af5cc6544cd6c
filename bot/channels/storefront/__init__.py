"""The demo storefront: a shop to look at, around the assistant. Only `shopclerk demo` serves it."""
