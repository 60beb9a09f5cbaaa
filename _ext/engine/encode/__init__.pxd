# The path of a text through the rooms below: pieces, whole texts, several threads.
