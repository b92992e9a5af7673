/* SHA-256 (FIPS 180-4) of bytes in memory. */
#ifndef SHA256_H
#define SHA256_H
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

void sha256(const void *bytes, size_t size, uint8_t digest[SHA256_SIZE]);
#endif
