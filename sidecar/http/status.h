/* sidecar/http/status.h - reason phrases.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/str.h"

/* The registered phrase of a status code, or "Unknown". Static. */
struct sc_str status_reason(unsigned status);
