/* sidecar/proxy/flow_priv.h - what the flow's own files share.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proxy/flow.h"

/* From here on the body of the request, or of the answer, goes through the hooks of policies. */
void flow_hook_request(struct sc_exchange *x);
void flow_hook_response(struct sc_exchange *x);
