#!/bin/sh
# Filled in by electron-builder: ${executable}. Also run for an upgrade, when the links belong to the new version.
case "$1" in
  upgrade | 1) exit 0 ;;
esac
rm -f '/usr/bin/${executable}' /usr/bin/postcast
profile='/etc/apparmor.d/${executable}'
if [ -f "$profile" ]; then
  if command -v apparmor_parser >/dev/null 2>&1 && ! { command -v ischroot >/dev/null 2>&1 && ischroot; }; then
    apparmor_parser --remove "$profile" || true
  fi
  rm -f "$profile"
fi
