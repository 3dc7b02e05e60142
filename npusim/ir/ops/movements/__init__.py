"""Operators that only move values."""
