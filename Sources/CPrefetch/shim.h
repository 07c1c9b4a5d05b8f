/* Asks for the line of the cache that an address lies in. Nothing waits for it, as it would for a load, so that more of
   them are under way at once; and an address that is not mapped does no harm. */
static inline void millrace_prefetch(const void *address) { __builtin_prefetch(address); }
