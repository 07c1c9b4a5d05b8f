#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// Made by a macro with an argument, which Swift does not see.
static const uint64_t tls_no_renegotiation = SSL_OP_NO_RENEGOTIATION;
