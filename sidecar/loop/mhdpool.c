/* sidecar/loop/mhdpool.c - the memory of the library's connections, served by us.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The library's own pool clears all its bytes at every request of a connection, which at 24 KiB costs more than the rest
 * of the library together, and touches every page of it. These are the same functions (linked in by --wrap where the
 * archive is used) without that: memory is handed out from both ends as the library expects, and only what a request
 * used is ever touched. The library does not rely on zeroes: its pools are malloc()ed. */
#ifdef HAVE_SEAM

#include "base/alloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 2 * sizeof(void *) };

struct MemoryPool {
    size_t size, pos, end;                      /* free: from pos to end */
    _Alignas(2 * sizeof(void *)) uint8_t bytes[];
};

static inline size_t round_up(size_t n)
{
    return (n + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

struct MemoryPool *__wrap_MHD_pool_create(size_t max);
void __wrap_MHD_pool_destroy(struct MemoryPool *p);
size_t __wrap_MHD_pool_get_free(struct MemoryPool *p);
void *__wrap_MHD_pool_allocate(struct MemoryPool *p, size_t size, bool from_end);
void *__wrap_MHD_pool_try_alloc(struct MemoryPool *p, size_t size, size_t *required);
void *__wrap_MHD_pool_reallocate(struct MemoryPool *p, void *old, size_t old_size, size_t new_size);
void *__wrap_MHD_pool_reset(struct MemoryPool *p, void *keep, size_t copy, size_t new_size);
bool __wrap_MHD_pool_is_resizable_inplace(struct MemoryPool *p, void *block, size_t size);
void __wrap_MHD_pool_deallocate(struct MemoryPool *p, void *block, size_t size);

struct MemoryPool *__wrap_MHD_pool_create(size_t max)
{
    size_t size = round_up(max);
    struct MemoryPool *p = xmalloc(sizeof *p + size);

    p->size = p->end = size;
    p->pos = 0;
    return p;
}

void __wrap_MHD_pool_destroy(struct MemoryPool *p)
{
    free(p);
}

size_t __wrap_MHD_pool_get_free(struct MemoryPool *p)
{
    return p->end - p->pos;
}

void *__wrap_MHD_pool_allocate(struct MemoryPool *p, size_t size, bool from_end)
{
    size_t need = round_up(size);

    if (need < size || need > p->end - p->pos)
        return NULL;
    if (from_end) {
        p->end -= need;
        return p->bytes + p->end;
    }
    p->pos += need;
    return p->bytes + p->pos - need;
}

/* From the end; *required: what would have to be freed first, SIZE_MAX if that cannot help. */
void *__wrap_MHD_pool_try_alloc(struct MemoryPool *p, size_t size, size_t *required)
{
    size_t need = round_up(size), have = p->end - p->pos;

    if (need < size || need > p->size) {
        *required = SIZE_MAX;
        return NULL;
    }
    if (need > have) {
        *required = need <= p->end ? need - have : SIZE_MAX;
        return NULL;
    }
    *required = 0;
    p->end -= need;
    return p->bytes + p->end;
}

void *__wrap_MHD_pool_reallocate(struct MemoryPool *p, void *old, size_t old_size, size_t new_size)
{
    size_t need = round_up(new_size);
    void *fresh;

    if (need < new_size)
        return NULL;
    if (old != NULL) {
        size_t offset = (size_t)((uint8_t *)old - p->bytes);

        if (p->pos == round_up(offset + old_size)) {             /* the last block: grow or shrink in place */
            size_t pos = round_up(offset + new_size);

            if (new_size > old_size && (pos > p->end || pos < p->pos))
                return NULL;
            p->pos = pos;
            return old;
        }
        if (new_size <= old_size)
            return old;
    }
    if (need > p->end - p->pos)
        return NULL;
    fresh = p->bytes + p->pos;
    p->pos += need;
    if (old_size > 0)
        memcpy(fresh, old, old_size);
    return fresh;
}

void *__wrap_MHD_pool_reset(struct MemoryPool *p, void *keep, size_t copy, size_t new_size)
{
    if (keep != NULL && keep != p->bytes && copy > 0)
        memmove(p->bytes, keep, copy);
    p->pos = round_up(new_size);
    p->end = p->size;
    return p->bytes;
}

bool __wrap_MHD_pool_is_resizable_inplace(struct MemoryPool *p, void *block, size_t size)
{
    size_t offset = (size_t)((uint8_t *)block - p->bytes);

    return block != NULL && offset <= p->size - size && p->pos == round_up(offset + size);
}

void __wrap_MHD_pool_deallocate(struct MemoryPool *p, void *block, size_t size)
{
    size_t offset;

    if (block == NULL)
        return;
    offset = (size_t)((uint8_t *)block - p->bytes);
    if (offset <= p->pos) {                                      /* one of the front blocks: only the last goes back */
        if (p->pos == round_up(offset + size))
            p->pos = round_up(offset);
    } else if (offset == p->end) {                               /* likewise at the other end */
        p->end += round_up(size);
    }
}

#else
typedef int mhdpool_is_empty_without_the_seam;
#endif
