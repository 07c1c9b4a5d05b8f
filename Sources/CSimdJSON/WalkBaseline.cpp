// The walker for any processor.
#define SJ_TARGET baseline
#include "Walker.hpp"
