/* sidecar/daemon/state.h - the directory for what survives the process.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `stated` (state_dir of the configuration; NULL: not given), else $STATE_DIRECTORY, as root /var/lib/outrider, else
 * $XDG_STATE_HOME/outrider, which is ~/.local/state/outrider where that is not set; NULL: no such place. To be freed by the
 * caller. */
char *state_directory(const char *stated);
