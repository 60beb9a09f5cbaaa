"""What the classes of growing texts and ids share: their signatures, and how they are copied.

A constructor hands its arguments to a Python function of the class's name. This gives the messages
about missing and unknown arguments, and the signature.
"""


cdef class Signature:
    """The `__signature__` of a class: that of a function with the arguments of its constructor.

    It is made when it is read, because importing `inspect` takes long.
    """

    def __init__(self, function):
        self.function = function

    def __get__(self, instance, owner):
        import inspect
        if instance is not None:
            raise AttributeError(f"{owner.__name__!r} object has no attribute '__signature__'")
        return inspect.signature(self.function)


cdef object copied(growing):
    """Returns a copy that continues by itself where `growing` is. They share the encoding."""
    function, arguments = growing.__reduce__()
    return function(*arguments)


cdef frozenset names_in(SpecialTokens tokens, bytearray mask):
    """Returns the special tokens of a mask."""
    return frozenset([name for name, chosen in zip(tokens.names, mask) if chosen])
