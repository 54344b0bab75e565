# tests/suites/clients/has-package.tcl - ends with 0 when the named package is there.
# SPDX-License-Identifier: Apache-2.0
exit [catch {package require [lindex $argv 0]}]
