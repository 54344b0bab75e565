/* sidecar/conf/secret.c - values that are never printed back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conf/file.h"
#include "conf/walk.h"

#include <errno.h>
#include <string.h>

#define SECRET_MAX (64u << 10)

/* One line end at the end belongs to the editor, not to the secret. */
static struct sc_str without_line_end(struct sc_str s)
{
    if (s.n > 0 && s.p[s.n - 1] == '\n')
        s.n--;
    if (s.n > 0 && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

static bool read_file(struct conf_load *l, const struct node *at, struct sc_secret *to)
{
    struct buf text = BUF_INIT;
    struct sc_str value;
    struct stat st;
    bool ok = file_read(at->text.p, SECRET_MAX, &text, &st);

    if (!ok) {
        load_error(l, at, "%s: %s", at->text.p, strerror(errno));
        goto out;
    }
    if (S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0)
        load_warning(l, at, "%s can be read by every user of this host; it should be `chmod o-r`", at->text.p);
    value = without_line_end(buf_view(&text));
    if (value.n == 0 || memchr(value.p, '\0', value.n) != NULL) {
        ok = load_error(l, at, "%s %s", at->text.p, value.n == 0 ? "is empty" : "holds a NUL character");
        goto out;
    }
    to->value = arena_dup(l->arena, value);
    to->file = at->text.p;
out:
    if (text.p != NULL)
        explicit_bzero(text.p, text.cap);
    buf_fini(&text);
    return ok;
}

static bool is_text(struct conf_load *l, const struct node *at)
{
    if (at->kind == NODE_LIST || at->kind == NODE_MAP)
        return load_error(l, at, "a string is expected here, not %s", node_kind_name(at));
    return true;
}

bool load_secret(struct conf_load *l, const struct node *value, const struct node *file, const struct sc_field *f,
                 struct sc_secret *to)
{
    if (value != NULL && file != NULL)
        return load_error(l, file, "give %s or %s_file, not both", f->name, f->name);
    if (file != NULL)
        return is_text(l, file) && read_file(l, file, to) && load_length(l, file, f, to->value.n, "characters");
    if (!is_text(l, value))
        return false;
    to->value = value->text;
    return load_length(l, value, f, value->text.n, "characters");
}
