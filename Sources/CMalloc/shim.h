#include <malloc.h>
#include <stddef.h>

/* Swift takes no variadic functions, and the headers hide this one. */
extern void *mremap(void *, size_t, size_t, int, ...);

/* Moves or stretches a mapping; MAP_FAILED when the system refuses. */
static inline void *millrace_resize_mapping(void *block, size_t old_size, size_t new_size) {
    return mremap(block, old_size, new_size, 1 /* MREMAP_MAYMOVE */);
}
