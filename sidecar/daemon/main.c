/* sidecar/daemon/main.c - where the process starts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/commands.h"

int main(int n, char **words)
{
    return commands_main(n, words);
}
