"""Attach: what a live schema shows goes in, a proposed shop file with its reasons and doubts comes out. Pure: it reads nothing."""
