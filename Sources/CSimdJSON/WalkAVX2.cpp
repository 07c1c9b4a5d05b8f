// The same walker for x86-64 processors since about 2013; Parser.cpp asks the processor before it calls this one.
#if defined(__x86_64__)

// Before the attribute: what these define may be shared with other files and must stay callable on any processor.
#include "Batch.hpp"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#define SJ_TARGET avx2
#define SJ_AVX2 1
#include "Walker.hpp"
#pragma clang attribute pop

#endif
