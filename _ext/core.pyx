"""The boundary between Python and the engine: arguments, the GIL, exceptions and ownership.

Everything that works on text or ids lives in the `.pxd` files; the files below turn Python objects
into the structs they take, and their status codes into exceptions.
"""

cimport cython

include "boundary/allocation_watch.pxi"
include "boundary/simd.pxi"
include "boundary/main_thread.pxi"
include "boundary/vocabulary.pxi"
include "boundary/split_pattern.pxi"
include "boundary/special_tokens.pxi"
include "boundary/token_buffer.pxi"
include "boundary/core_bpe.pxi"
include "boundary/batch.pxi"
include "boundary/surrogates.pxi"
include "boundary/stream_text.pxi"
include "boundary/token_counter.pxi"
include "boundary/stream_encoder.pxi"
include "boundary/stream_decoder.pxi"
include "boundary/stream_decoder_batch.pxi"
include "boundary/count_up_to.pxi"
include "boundary/prefix_hash.pxi"
include "boundary/shared_words.pxi"
include "boundary/pool_texts.pxi"
include "boundary/pool_ring.pxi"
include "boundary/pool_calls.pxi"
include "boundary/pool_streams.pxi"
include "boundary/slot_decoders.pxi"
