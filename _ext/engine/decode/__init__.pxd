# Ids become bytes, and bytes a string.
