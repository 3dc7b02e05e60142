"""One table a requantization profile: operator (`kind` or `kind/format`) to arithmetic."""
