/* A stretch of memory with its end: nothing is read through it that lies beyond. And the checksum that ends every event. */
#ifndef MW_BYTES_H
#define MW_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Written for machines that keep the lowest byte first; elsewhere the Python reader does the work."
#endif

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} mw_bytes;

static inline size_t mw_left(const mw_bytes *b) { return (size_t)(b->end - b->at); }

/* So many bytes, and the stretch goes on behind them; NULL where it has fewer. */
static inline const uint8_t *mw_take(mw_bytes *b, size_t size) {
    if (mw_left(b) < size) return NULL;
    const uint8_t *found = b->at;
    b->at += size;
    return found;
}

static inline uint64_t mw_little(const uint8_t *at, size_t size) {
    uint64_t told = 0;
    for (size_t i = size; i-- > 0;) told = told << 8 | at[i];
    return told;
}

static inline uint64_t mw_big(const uint8_t *at, size_t size) {
    uint64_t told = 0;
    for (size_t i = 0; i < size; i++) told = told << 8 | at[i];
    return told;
}

static inline uint32_t mw_u32(const uint8_t *at) {
    uint32_t told;
    memcpy(&told, at, sizeof told);
    return told;
}

/* CRC32 as zlib's, sixteen bytes a step ("slicing"): each table goes one byte further back. */
#define MW_SLICES 16
static uint32_t mw_tables[MW_SLICES][256];

static void mw_crc32_prepare(void) {
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t sum = n;
        for (int bit = 0; bit < 8; bit++) sum = sum & 1 ? sum >> 1 ^ 0xEDB88320u : sum >> 1;
        mw_tables[0][n] = sum;
    }
    for (uint32_t n = 0; n < 256; n++)
        for (int t = 1; t < MW_SLICES; t++) mw_tables[t][n] = mw_tables[t - 1][n] >> 8 ^ mw_tables[0][mw_tables[t - 1][n] & 0xFF];
}

/* Four bytes, the first of which is so many bytes before the end of the step. */
static inline uint32_t mw_slice(uint32_t four, int back) {
    return mw_tables[back][four & 0xFF] ^ mw_tables[back - 1][four >> 8 & 0xFF] ^ mw_tables[back - 2][four >> 16 & 0xFF]
        ^ mw_tables[back - 3][four >> 24];
}

static uint32_t mw_crc32(const uint8_t *at, size_t size) {
    uint32_t sum = 0xFFFFFFFFu;
    for (; size >= MW_SLICES; at += MW_SLICES, size -= MW_SLICES)
        sum = mw_slice(mw_u32(at) ^ sum, 15) ^ mw_slice(mw_u32(at + 4), 11) ^ mw_slice(mw_u32(at + 8), 7) ^ mw_slice(mw_u32(at + 12), 3);
    for (; size > 0; at++, size--) sum = sum >> 8 ^ mw_tables[0][(sum ^ *at) & 0xFF];
    return ~sum;
}

#endif
