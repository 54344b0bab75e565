/* sidecar/http/chars.c - which bytes may stand where.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/chars.h"

#define DIGIT(c) ((c) >= '0' && (c) <= '9')
#define ALPHA(c) (((c) | 32) >= 'a' && ((c) | 32) <= 'z')
#define ALNUM(c) (DIGIT(c) || ALPHA(c))
#define TOKEN(c)                                                                             \
    (ALNUM(c) || (c) == '!' || (c) == '#' || (c) == '$' || (c) == '%' || (c) == '&' || (c) == '\'' || (c) == '*' || \
     (c) == '+' || (c) == '-' || (c) == '.' || (c) == '^' || (c) == '_' || (c) == '`' || (c) == '|' || (c) == '~')
#define UNRESERVED(c) (ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~')
#define HOST(c)                                                                              \
    (UNRESERVED(c) || (c) == '!' || (c) == '$' || (c) == '&' || (c) == '\'' || (c) == '(' || (c) == ')' || \
     (c) == '*' || (c) == '+' || (c) == ';' || (c) == '=')
#define TARGET(c)                                                                            \
    ((c) > 0x20 && (c) < 0x7f && (c) != '"' && (c) != '#' && (c) != '<' && (c) != '>' && (c) != '\\')
#define VALUE(c) (((c) >= 0x20 && (c) != 0x7f) || (c) == '\t')
#define PATH(c) (TARGET(c) && (c) != '/' && (c) != '%' && (c) != ';' && (c) != '?' && (c) != '.')

#define CLASSES(c)                                                                           \
    (TOKEN(c) ? CH_TOKEN : 0) | (TARGET(c) ? CH_TARGET : 0) | (VALUE(c) ? CH_VALUE : 0) | (HOST(c) ? CH_HOST : 0) | \
        (UNRESERVED(c) ? CH_UNRESERVED : 0) | (PATH(c) ? CH_PATH : 0)
#define HEX(c) (DIGIT(c) ? (c) - '0' : ((c) | 32) >= 'a' && ((c) | 32) <= 'f' ? ((c) | 32) - 'a' + 10 : 255)

#define ROW4(f, c) f(c), f((c) + 1), f((c) + 2), f((c) + 3)
#define ROW16(f, c) ROW4(f, c), ROW4(f, (c) + 4), ROW4(f, (c) + 8), ROW4(f, (c) + 12)
#define ROW64(f, c) ROW16(f, c), ROW16(f, (c) + 16), ROW16(f, (c) + 32), ROW16(f, (c) + 48)
#define ROW256(f) ROW64(f, 0), ROW64(f, 64), ROW64(f, 128), ROW64(f, 192)

const uint8_t http_chars[256] = { ROW256(CLASSES) };
const uint8_t http_hex[256] = { ROW256(HEX) };
