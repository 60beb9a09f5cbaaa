# The boundary between Python and the engine.
