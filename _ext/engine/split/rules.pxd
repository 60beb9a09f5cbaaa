# The rules by which the members of the split family differ, as bits of a number.
#
# `bpecore/_pattern/families.py` has the same numbers, and proves that a pattern follows the rules
# that it names. split/starts.pxd applies them. For the members that most texts are split by, the
# compiler makes code of their own; the others share code that tests the bits.

cdef enum Rules:
    IN_FAMILY = 1                # set for every member
    CONTRACTIONS = 2             # an English contraction is a piece,
    ANY_CASE = 4                 # also in capital letters,
    OF_WORD = 8                  # or the end of the word in front of it
    CASED_WORDS = 16             # a capital letter after a small one begins a word
    WITH_MARKS = 32              # marks continue words, and runs of other characters
    AFTER_ANY = 64               # a word may begin with a blank or one other character; without
    #                              this rule, with a space
    ASCII_WORDS = 128            # after an ASCII other character, a word is ASCII letters alone
    NUMBERS_ALONE = 256          # each number is a piece
    NUMBERS_BY_THREE = 512       # a run of numbers is cut after every third
    NUMBERS_AFTER_SPACE = 1024   # a space may come first
    NUMBERS_ISOLATED = 2048      # white space before a number is as at the end of the text
    SCRIPT = 4096                # the letters of a script are pieces without others,
    SCRIPT_ISOLATED = 8192       # and white space before them is as at the end of the text
    LINE_END_PIECES = 16384      # white space up to the last line end of a run is a piece
    TAKEN_LINE_ENDS = 32768      # other characters take the line ends after them
    TAKEN_SLASHES = 65536        # and slashes among these
    WHOLE_RUNS = 131072          # the last blank of a run does not belong to what follows
    ODD_CHARACTERS = 262144      # some characters are always in doubt,
    ODD_CONTROLS = 524288        # and ASCII control characters are among them

    LINE_END_RULES = LINE_END_PIECES | TAKEN_LINE_ENDS
    ANY_CONTRACTION = CONTRACTIONS | ANY_CASE
    # The members with code of their own
    R50K_RULES = IN_FAMILY | CONTRACTIONS | NUMBERS_AFTER_SPACE
    STARCODER_RULES = IN_FAMILY | CONTRACTIONS | NUMBERS_ALONE | NUMBERS_ISOLATED
    WORD_RULES = IN_FAMILY | ANY_CONTRACTION | AFTER_ANY | LINE_END_RULES
    CL100K_RULES = WORD_RULES | NUMBERS_BY_THREE    # also Llama 3 and GLM 4
    QWEN_RULES = WORD_RULES | NUMBERS_ALONE
    CASED_RULES = IN_FAMILY | CASED_WORDS | WITH_MARKS | AFTER_ANY | LINE_END_RULES
    TEKKEN_RULES = CASED_RULES | NUMBERS_ALONE | TAKEN_SLASHES
    O_WORD_RULES = CASED_RULES | ANY_CONTRACTION | OF_WORD | NUMBERS_BY_THREE
    O200K_RULES = O_WORD_RULES | TAKEN_SLASHES
    KIMI_RULES = O_WORD_RULES | SCRIPT | ODD_CHARACTERS
    ISOLATED = NUMBERS_ISOLATED | SCRIPT | SCRIPT_ISOLATED
    DEEPSEEK_WORDS = IN_FAMILY | ASCII_WORDS | ODD_CHARACTERS | ODD_CONTROLS
    DEEPSEEK_RULES = DEEPSEEK_WORDS | NUMBERS_BY_THREE | ISOLATED | LINE_END_RULES
