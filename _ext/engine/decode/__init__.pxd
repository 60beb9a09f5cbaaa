# Turns ids into bytes, and bytes into a string.
