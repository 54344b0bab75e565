# tests/kit/__init__.py - everything a file of tests/flow needs: `from kit import *`.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import signal
import socket
import sys
import threading
import time

from . import arrival, http
from .checks import PLAIN, problem, proxy_status
from .client import Client, is_open
from .consul import Consul, instance
from .crowd import Crowd
from .handed import activated, listening
from .dns import Names
from .etcd import Etcd
from .http import BadMessage, Truncated, chunk, chunked, head
from .limit import TimedOut, remaining, start as start_clock, wait_until
from .origin import Connection, Origin
from .load import Load
from .outrider import Outrider, command, has_seam, mounted, needs_seam, reads_extensions, run, sanitized
from .polite import Polite
from .routing import routed, takes
from .ports import Full, Port
from . import dns, notify, strict, websocket
from .tap import Failure, Skip, main
from .wire import Ended, Wire

SLOW = os.environ.get("OUTRIDER_SLOW") == "1"

__all__ = [name for name in dir() if not name.startswith("_")]
