dnl packaging/m4/outrider_flags.m4 - compiler and linker flags, each taken only when this toolchain has it.
dnl SPDX-License-Identifier: Apache-2.0

dnl OR_CFLAG([VARIABLE], [FLAG]): appends FLAG to VARIABLE when the compiler takes it without a word. Link as well,
dnl since some flags (sanitizers, stack protector) need a library that may be missing.
AC_DEFUN([OR_CFLAG], [
  AS_VAR_PUSHDEF([cache], [or_cv_cflag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cache], [
    or_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("x");]])],
      [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    CFLAGS=$or_save_CFLAGS
  ])
  AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([cache])
])

dnl OR_CFLAGS([VARIABLE], [FLAG FLAG ...])
AC_DEFUN([OR_CFLAGS], [m4_foreach_w([or_flag], [$2], [OR_CFLAG([$1], or_flag)])])

dnl OR_LDFLAG([VARIABLE], [FLAG]): the same for the linker.
AC_DEFUN([OR_LDFLAG], [
  AS_VAR_PUSHDEF([cache], [or_cv_ldflag_$2])
  AC_CACHE_CHECK([whether the linker takes $2], [cache], [
    or_save_LDFLAGS=$LDFLAGS
    LDFLAGS="$LDFLAGS -Werror $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    LDFLAGS=$or_save_LDFLAGS
  ])
  AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([cache])
])

dnl OR_LDFLAGS([VARIABLE], [FLAG FLAG ...])
AC_DEFUN([OR_LDFLAGS], [m4_foreach_w([or_flag], [$2], [OR_LDFLAG([$1], m4_quote(or_flag))])])

dnl OR_WITH([NAME], [DESCRIPTION]): --with-NAME=auto|yes|no into $with_NAME.
AC_DEFUN([OR_WITH], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=auto|yes|no], [$2 @<:@auto@:>@])], [], [with_$1=auto])
  AS_CASE([$with_$1], [auto|yes|no], [], [AC_MSG_ERROR([--with-$1 takes auto, yes or no])])
])
