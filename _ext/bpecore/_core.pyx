"""The boundary between Python and the engine: arguments, the GIL, exceptions and ownership.

All work on text and ids is done by `engine/`. The files below turn Python objects into the structs
that the engine takes, and its status codes into exceptions. What several of them use is declared
in `_core.pxd`, so that they may be included in any order.
"""

include "api/encoding/vocabulary.pxi"
include "api/encoding/split_pattern.pxi"
include "api/encoding/special_tokens.pxi"
include "api/encoding/token_buffer.pxi"
include "api/encoding/core.pxi"
include "api/encoding/batch.pxi"
include "api/encoding/surrogates.pxi"
include "api/encoding/count_up_to.pxi"
include "api/encoding/prefix_hash.pxi"
include "api/growing/chunks.pxi"
include "api/growing/token_counter.pxi"
include "api/growing/stream_encoder.pxi"
include "api/growing/stream_decoder.pxi"
include "api/growing/stream_decoder_batch.pxi"
include "api/pool/words.pxi"
include "api/pool/id_lists.pxi"
include "api/pool/texts.pxi"
include "api/pool/ring.pxi"
include "api/pool/calls.pxi"
include "api/pool/stream.pxi"
include "api/pool/feeds.pxi"
include "api/pool/slot_decoders.pxi"
include "api/process/simd.pxi"
include "api/process/locks.pxi"
include "api/process/main_thread.pxi"
include "api/testing/allocation_watch.pxi"
