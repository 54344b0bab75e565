/* admin/manual.h - the manual page outrider-admin(7), made of the table of pages.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"

/* In troff: who may ask, how answers look, and every page with its method and the role it needs. */
void manual_print(const char *version, struct buf *out);
