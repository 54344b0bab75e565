/* sidecar/base/list.h - doubly linked lists whose links live in the members.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A head is a link that points to itself when the list is empty; so does a link that is in no list. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *next, *prev;
};

#define list_entry(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
/* Safe against the removal of `it`. */
#define list_each(it, head) \
    for (struct link *it = (head)->next, *it##_next = it->next; it != (head); it = it##_next, it##_next = it->next)

static inline void list_init(struct link *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct link *l)
{
    return l->next == l;
}

static inline void list_add_after(struct link *at, struct link *l)
{
    l->prev = at;
    l->next = at->next;
    at->next->prev = l;
    at->next = l;
}

static inline void list_push(struct link *head, struct link *l)      /* to the end */
{
    list_add_after(head->prev, l);
}

static inline void list_push_front(struct link *head, struct link *l)
{
    list_add_after(head, l);
}

/* All of `from` goes to the front of `head`, in its order; `from` is empty then. */
static inline void list_move_front(struct link *head, struct link *from)
{
    if (list_empty(from))
        return;
    from->next->prev = head;
    from->prev->next = head->next;
    head->next->prev = from->prev;
    head->next = from->next;
    list_init(from);
}

/* Harmless on a link that is in no list, provided it was initialised. */
static inline void list_remove(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}

/* The first member, taken out, or NULL. */
static inline struct link *list_pop(struct link *head)
{
    struct link *l = head->next;

    if (l == head)
        return NULL;
    list_remove(l);
    return l;
}
