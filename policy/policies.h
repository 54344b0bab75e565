/* policy/policies.h - the policies that are linked in, one row each, in order of name.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Adding a policy: a directory policy/NAME/ (code, page, Makefile.inc) and a row here. */
#pragma once

#define POLICIES(X) \
    X(request_id)
