/* The Arrow C data interface, as its specification prints it, and columns that grow until they are handed out through it.

Whoever is handed an array owns its memory, and gives it back by the array's own `release`. */
#ifndef MW_ARROW_H
#define MW_ARROW_H

#include "bytes.h"

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#define MW_NULLABLE 2
#define MW_VARIABLE_MAX 0x7FFFFFFFu /* Offsets of text are of 32 bits. */

typedef struct {
    size_t size;       /* Bytes of a value; 0 for text and bytes, which stand in `data` from offset to offset. */
    uint8_t *valid;    /* A bit for each row, the first lowest. */
    uint8_t *values;   /* Values, or offsets of four bytes, one more than rows. */
    uint8_t *data;
    size_t data_size, data_room;
} mw_grown;

/* Room for one row more. False where there is no memory. */
static bool mw_grow(mw_grown *column, size_t room) {
    size_t each = column->size ? column->size : sizeof(int32_t);
    uint8_t *valid = realloc(column->valid, room / 8 + 1);
    if (valid == NULL) return false;
    column->valid = valid;
    uint8_t *values = realloc(column->values, (room + 1) * each);
    if (values == NULL) return false;
    if (column->values == NULL) memset(values, 0, each);
    column->values = values;
    return true;
}

static inline void mw_mark(mw_grown *column, size_t row, bool valid) {
    uint8_t bit = (uint8_t)(1u << (row & 7));
    if (bit == 1) column->valid[row >> 3] = 0;
    if (valid)
        column->valid[row >> 3] |= bit;
    else
        column->valid[row >> 3] &= (uint8_t)~bit;
}

/* The last row's text or bytes end where the data ends now. */
static inline void mw_end_text(mw_grown *column, size_t row) {
    int32_t end = (int32_t)column->data_size;
    memcpy(column->values + (row + 1) * sizeof end, &end, sizeof end);
}

/* Room for so many bytes of text; NULL where they are more than offsets can tell, or there is no memory. */
static uint8_t *mw_text_room(mw_grown *column, size_t size) {
    size_t wanted = column->data_size + size;
    if (wanted > MW_VARIABLE_MAX) return NULL;
    if (wanted > column->data_room || column->data == NULL) {
        size_t room = column->data_room ? column->data_room : 4096;
        while (room < wanted) room *= 2;
        uint8_t *data = realloc(column->data, room);
        if (data == NULL) return NULL;
        column->data = data;
        column->data_room = room;
    }
    return column->data + column->data_size;
}

static void mw_drop(mw_grown *column) {
    free(column->valid);
    free(column->values);
    free(column->data);
    column->valid = column->values = column->data = NULL;
    column->data_size = column->data_room = 0;
}

static void mw_release_array(struct ArrowArray *array) {
    for (int64_t i = 0; i < array->n_children; i++) {
        struct ArrowArray *child = array->children[i];
        if (child != NULL && child->release != NULL) child->release(child);
        free(child);
    }
    for (int64_t i = 0; i < array->n_buffers; i++) free((void *)array->buffers[i]);
    free(array->children);
    free(array->buffers);
    array->release = NULL;
}

static void mw_release_schema(struct ArrowSchema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        struct ArrowSchema *child = schema->children[i];
        if (child != NULL && child->release != NULL) child->release(child);
        free(child);
    }
    free(schema->children);
    free((void *)schema->format);
    free((void *)schema->name);
    schema->release = NULL;
}

/* An array or a schema with room for its parts; false where there is no memory, and then it is empty and may be released. */
static bool mw_array_of(struct ArrowArray *array, size_t rows, size_t buffers, size_t children) {
    memset(array, 0, sizeof *array);
    array->release = mw_release_array;
    array->length = (int64_t)rows;
    array->buffers = calloc(buffers ? buffers : 1, sizeof(void *));
    array->children = calloc(children ? children : 1, sizeof(struct ArrowArray *));
    if (array->buffers == NULL || array->children == NULL) return false;
    array->n_buffers = (int64_t)buffers;
    for (size_t i = 0; i < children; i++) {
        array->children[i] = calloc(1, sizeof(struct ArrowArray));
        if (array->children[i] == NULL) return false;
        array->n_children = (int64_t)i + 1;
    }
    return true;
}

static char *mw_copied(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL) memcpy(copy, text, size);
    return copy;
}

static bool mw_schema_of(struct ArrowSchema *schema, const char *format, const char *name, size_t children) {
    memset(schema, 0, sizeof *schema);
    schema->release = mw_release_schema;
    schema->format = mw_copied(format);
    schema->name = mw_copied(name);
    schema->children = calloc(children ? children : 1, sizeof(struct ArrowSchema *));
    if (schema->format == NULL || schema->name == NULL || schema->children == NULL) return false;
    for (size_t i = 0; i < children; i++) {
        schema->children[i] = calloc(1, sizeof(struct ArrowSchema));
        if (schema->children[i] == NULL) return false;
        schema->n_children = (int64_t)i + 1;
    }
    return true;
}

/* The column's memory goes over to the array. */
static bool mw_hand_out(mw_grown *column, size_t rows, bool nullable, struct ArrowArray *array) {
    if (!mw_array_of(array, rows, column->size ? 2 : 3, 0)) return false;
    if (!nullable) {
        array->buffers[1] = column->values;
        column->values = NULL;
        return true;
    }
    size_t valid = 0;
    for (size_t byte = 0; byte < rows / 8; byte++) valid += (size_t)__builtin_popcount(column->valid[byte]);
    if (rows & 7) valid += (size_t)__builtin_popcount(column->valid[rows / 8] & ((1u << (rows & 7)) - 1));
    array->null_count = (int64_t)(rows - valid);
    if (column->size == 0 && column->data == NULL && mw_text_room(column, 0) == NULL) return false;
    array->buffers[0] = column->valid;
    array->buffers[1] = column->values;
    if (!column->size) array->buffers[2] = column->data;
    column->valid = column->values = column->data = NULL;
    column->data_size = column->data_room = 0;
    return true;
}

#endif
