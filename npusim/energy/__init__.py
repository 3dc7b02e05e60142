"""Energy and area: counts x energy per action, static power, and where each figure comes from."""
